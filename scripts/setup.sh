# Sourced by quickstart.sh and test.sh: makes .venv where there is none and installs ser_hub into it.
# Usage: set_up EXTRA   (an extra of pyproject.toml, or nothing)
set_up() {
    local extra=${1:-}
    if [ ! -x .venv/bin/python ]; then
        echo "== making .venv"
        python3 -m venv .venv 2>/dev/null || {
            rm -rf .venv
            echo "python3 cannot make a virtual environment here: install Python 3.11 with its venv module" \
                "(Debian: apt-get install python3 python3-venv) and run this again" >&2
            exit 2
        }
    fi
    # Torch first and by the version that was tested: a range alone could pull a build that torchaudio does not know.
    if ! .venv/bin/python -c "import torch" 2>/dev/null; then
        echo "== installing torch"
        .venv/bin/python -m pip install --quiet "torch==2.13.0"
    fi
    echo "== installing ser_hub"
    .venv/bin/python -m pip install --quiet --editable ".${extra:+[$extra]}"
}
