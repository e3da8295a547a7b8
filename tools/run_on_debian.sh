#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tries all roads of installation and the short tests on several versions of Debian, as root:
#
#     tools/run_on_debian.sh / /var/chroots/trixie /var/chroots/forky
#
# Each folder is the root of a Debian, made by debootstrap for instance; / is this machine. In each a
# copy of this checkout is set up (make setup-dev), which takes minutes and 2.5 GB the first time.
# Where a chroot has a file /root/env.sh, it is read first: certificates, or a mirror.
# TESTS= names other tests than the short ones.
set -euo pipefail
chroot=$(dirname "$0")/chroot.sh

# The environment, the addon, the forms, files, and one run of each step: dataset, model and map.
TESTS=${TESTS:-"tests/runtime/test_environment.py tests/test_install.py tests/test_many_scenes.py
    tests/test_forms.py tests/io tests/gis/raster
    tests/train/test_i_dl_train.py::test_it_writes_a_model_and_prints_its_scores
    tests/predict/test_i_dl_predict.py::test_the_maps_are_the_network_run_once
    tests/predict/test_i_dl_predict.py::test_masked_cells_are_null_and_the_mask_stays"}
TESTS=$(echo $TESTS)

# Runs in the root of a Debian, with a copy of the checkout as $1.
trial() {
    cd "$1"
    export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    unset GRASS_ADDON_BASE I_DL_VENV VENV PYTHONPATH
    [ ! -f /root/env.sh ] || . /root/env.sh
    local scratch log begin status zip
    scratch=$(mktemp -d)
    log=$scratch/log

    step() {
        local title=$1
        shift
        begin=$SECONDS status=ok
        "$@" >"$log" 2>&1 || status=FAILED
        printf '%-58s %-6s %4d s\n' "$title" "$status" $((SECONDS - begin))
        [ $status = ok ] || { tail -n 40 "$log" && return 1; }
    }
    session() { grass --tmp-location XY --exec "$@"; }
    # g.extension asks for gcc, and in GRASS 8.2 for svn, which it does not use for scripts from a
    # folder or a ZIP file.
    mkdir "$scratch/bin"
    ln -s /bin/true "$scratch/bin/svn"
    ln -s /bin/true "$scratch/bin/gcc"
    PATH=$PATH:$scratch/bin

    step "make setup-dev" make setup-dev
    printf '== Debian %s, GRASS %s, %s\n' "$(cat /etc/debian_version)" \
        "$(grass --config version)" "$(/usr/bin/python3 --version)"
    zip=$scratch/i.dl-main.zip
    (mkdir "$scratch/i.dl-main" && cp -R . "$scratch/i.dl-main" && cd "$scratch" &&
        python3 -m zipfile -c "$zip" i.dl-main)

    export GRASS_ADDON_BASE=$scratch/addons
    listed() { [ "$(session g.extension -a 2>/dev/null | grep -c '^i\.dl\.')" = "$1" ]; }
    # A home without environment, then the one that has it.
    told() {
        HOME=$scratch session i.dl.export model=absent output=out 2>&1 | tee "$scratch/told" || true
        grep -q "Missing Python packages: .*keras" <(tr -s ' \n' ' ' <"$scratch/told") &&
            grep -q "bin/pip install -r $GRASS_ADDON_BASE/etc/i.dl/requirements.txt" "$scratch/told"
    }
    found() { (session i.dl.export model=absent output=out || true) 2>&1 | grep "<absent> not found"; }
    modules=$(ls -d i.dl.*/ | wc -l)
    for url in "$PWD" "$zip"; do
        step "g.extension extension=i.dl url=${url##*/}" session g.extension extension=i.dl url="$url"
        step "  g.extension -a lists the modules" listed "$modules"
        step "  without packages a module tells what to install" told
        step "  a module finds the environment by itself" found
        step "  g.extension operation=remove" session g.extension -f extension=i.dl operation=remove
        step "  nothing is listed any more" listed 0
        step "  no script is left" test -z "$(ls "$GRASS_ADDON_BASE/scripts")"
    done
    rm -rf "$GRASS_ADDON_BASE"
    step "make install" make install
    step "  g.extension -a lists the modules" listed "$modules"
    step "  a module runs" found
    step "make uninstall" make uninstall
    step "  no script is left" test -z "$(ls "$GRASS_ADDON_BASE/scripts")"
    unset GRASS_ADDON_BASE
    # A shell in the background ignores Ctrl-C, which some tests send.
    # shellcheck disable=SC2086
    step "short tests" env --default-signal=INT \
        ~/.local/share/i.dl/venv/bin/python -m pytest -q -p no:cacheprovider $TESTS
    tail -n 1 "$log"
    rm -rf "$scratch"
}

for debian in "$@"; do
    copy=$(mktemp -d "${debian%/}/tmp/i.dl-XXXXXX")
    trap 'rm -rf "$copy"' EXIT
    "$chroot" copy "$copy"
    git -C "$copy" init -q && git -C "$copy" add -A
    "$chroot" run "$debian" bash -c \
        "set -euo pipefail; TESTS='$TESTS'; $(declare -f trial); trial '/tmp/${copy##*/}'"
    rm -rf "$copy"
    trap - EXIT
done
