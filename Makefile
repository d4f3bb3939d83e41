# The two commands for a newcomer on Debian 12, both from a fresh clone, as root or with sudo:
#
#   make run     set everything up, then listen and print moods
#   make test    set everything up, then run all tests
#
# Besides: make lint, bench, clean; wheel, wheelhouse, deb, profiles, test-arm64, test-systemd.
# What was set up once is remembered by stamp files in .venv.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
SAMPLE := .cache/sample.wav
CONSTRAINTS := firmware_config/constraints.txt
PIP := $(BIN)/pip --disable-pip-version-check --no-input -q

# Debian packages: what listening needs, and what the tests need besides. One line per reason.
RUN_PACKAGES := libportaudio2
TEST_PACKAGES := $(RUN_PACKAGES) \
	pulseaudio pulseaudio-utils libasound2-plugins alsa-utils \
	mosquitto mosquitto-clients \
	espeak-ng sox \
	chromium fonts-dejavu-core \
	strace

# $(call packages,what for,names): install what is missing, or say which it is and fail.
define packages
	missing=""; \
	for package in $(2); do \
	  dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q "ok installed" \
	    || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "==> Debian packages for $(1):$$missing"; \
	  if [ "$$(id -u)" = 0 ]; then root=""; \
	  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then root="sudo"; \
	  else root="none"; fi; \
	  if [ "$$root" = none ] || ! command -v apt-get >/dev/null; then \
	    echo "Missing:$$missing. Install them as root, then repeat: apt-get install$$missing" >&2; \
	    exit 1; \
	  fi; \
	  { $$root apt-get update -qq && $$root env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } \
	    || { echo "apt-get failed. Missing:$$missing" >&2; exit 1; }; \
	fi
endef

# For the appliance: make deb [WHEELHOUSE=DIR]; DIR from make wheelhouse [ARCHITECTURE=amd64].
# The opt-in tests need root, qemu-user-static, debootstrap and systemd-container.
ARCHITECTURE ?= arm64
WHEELHOUSE ?=
WHEEL := build/wheel
PACKAGES := build/packages
APPLIANCE_TEST := MOODWIRE_APPLIANCE=yes $(BIN)/python -m pytest -v -s tests/appliance

.PHONY: help run test lint bench clean wheel wheelhouse deb profiles test-arm64 test-systemd
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

run: $(STAMPS)/run
	@if $(BIN)/moodwire devices >/dev/null 2>&1; then \
	  echo "==> Listening to the default microphone. Ctrl-C ends it."; \
	  $(BIN)/moodwire listen; \
	else \
	  echo "==> No microphone here (see: $(BIN)/moodwire devices). Making a sample recording."; \
	  mkdir -p $(dir $(SAMPLE)) && $(BIN)/moodwire sample $(SAMPLE) && \
	  echo "==> Listening to $(SAMPLE)" && \
	  $(BIN)/moodwire listen --input $(SAMPLE); \
	fi

test: $(STAMPS)/test
	@tests/fixtures/install_home_assistant.sh .cache/homeassistant
	@echo "==> Running all tests"
	@$(BIN)/python -m pytest

lint: $(STAMPS)/test
	@echo "==> ruff check, ruff format --check, mypy --strict"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy device training convert

bench: $(STAMPS)/test
	@$(BIN)/moodwire bench features
	@$(BIN)/moodwire bench model

wheel: $(STAMPS)/venv
	@rm -rf $(WHEEL)
	@$(PIP) wheel --no-deps -w $(WHEEL) .

wheelhouse: wheel
	@PYTHON=$(BIN)/python firmware_config/wheelhouse.sh $(WHEEL)/moodwire-*.whl \
	  build/wheelhouse-$(ARCHITECTURE) $(ARCHITECTURE)

deb: wheel
	@firmware_config/package.sh $(if $(WHEELHOUSE),--wheelhouse $(WHEELHOUSE)) \
	  $(WHEEL)/moodwire-*.whl $(PACKAGES)

profiles: $(STAMPS)/run
	@for profile in home car; do \
	  $(BIN)/moodwire config example --profile $$profile >firmware_config/profiles/$$profile.toml; \
	done

test-arm64: $(STAMPS)/test
	@$(MAKE) -s wheelhouse ARCHITECTURE=arm64
	@$(MAKE) -s deb
	@$(MAKE) -s deb WHEELHOUSE=build/wheelhouse-arm64
	@$(APPLIANCE_TEST) -m arm64 --timeout 3600

test-systemd: $(STAMPS)/test
	@$(MAKE) -s wheelhouse ARCHITECTURE=amd64
	@$(MAKE) -s deb WHEELHOUSE=build/wheelhouse-amd64
	@$(APPLIANCE_TEST) -m systemd --timeout 1200

clean:
	rm -rf $(VENV) .cache build

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); needed: Python 3.11 to 3.13." \
	    "Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(call packages,a virtual environment,python3-venv); fi
	@echo "==> Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv pyproject.toml $(CONSTRAINTS)
	@$(call packages,listening,$(RUN_PACKAGES))
	@echo "==> Installing moodwire"
	@$(PIP) install -c $(CONSTRAINTS) -e '.[web]'
	@touch $@

$(STAMPS)/test: $(STAMPS)/venv pyproject.toml $(CONSTRAINTS) Makefile
	@$(call packages,the tests,$(TEST_PACKAGES))
	@echo "==> Installing moodwire with what the tests, training and conversion need (2 GB)"
	@$(PIP) install -c $(CONSTRAINTS) -e '.[dev,training,convert,web]'
	@touch $@ $(STAMPS)/run
