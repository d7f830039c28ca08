"""Sharp to blurry: the physics of blur, nothing learned."""
