"""What do all pages of blurspace look like (`look.css`), and what is the one that `adapt` writes (`camera.html`)?"""
