# make demo: deblur the three bundled photos.  make test: run the tests.  make check: run the linters.
# make docs: run the examples and make the documentation as a site, which opens from disk: site/index.html.
# Each creates the environment in .venv first, if it is not there; nothing else has to be installed but Python 3.11+.
# On a machine without a GPU, this saves gigabytes:
#   make demo PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
BIN = .venv/bin
DEMO = demo/shaken-bear.jpg demo/shaken-cereal.jpg demo/shaken-fruit.jpg
ifdef PIP_EXTRA_INDEX_URL
export PIP_EXTRA_INDEX_URL
endif

.PHONY: demo test check pages docs check-code check-format check-arrows check-types clean

demo: .venv/ready
	$(BIN)/blurspace deblur --plot --overwrite $(DEMO)
	@echo "Look at demo/*.side-by-side.png, and at demo/*.kernel.png and demo/*.deblurred.jpg."

test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: check-code check-format check-arrows check-types

check-code: .venv/ready-lint
	$(BIN)/ruff check .

check-format: .venv/ready-lint
	$(BIN)/ruff format --check .

check-arrows: .venv/ready-lint
	$(BIN)/lint-imports

check-types: .venv/ready-lint
	$(BIN)/mypy

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	touch $@

.venv/ready-lint: .venv/ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test,lint]'
	touch $@

# Write again what pages take from the code and from the rows in benchmarks/.
pages: .venv/ready
	$(BIN)/python docs/make_pages.py
	$(BIN)/python benchmarks/make_tables.py
	$(BIN)/python docs/make_plots.py

.venv/ready-docs: .venv/ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

docs: .venv/ready-docs
	$(BIN)/python docs/site/make.py

clean:
	rm -rf .venv build site demo/*.deblurred.* demo/*.kernel.* demo/*.side-by-side.*
