#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the toolset with GRASS's own make files in a scratch folder and installs it
# in $GRASS_ADDON_BASE, by default the folder where GRASS looks for the user's addons.
# The scripts run under the interpreter of VENV, whatever PATH a session has.
# Does nothing when the installed toolset is the one in this checkout.
# Sets up what is missing first (tools/setup.sh): it is the one command of a user without root or
# make. Without GRASS's make files the pages of the manual are put together here.
set -euo pipefail
. "$(dirname "$0")/common.sh"

if ! command -v "$GRASS" >/dev/null || [ ! -f "$VENV/.i.dl-run" ]; then
    "$root/tools/setup.sh"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch # GRASS 8.4 leaves an empty file there each time it makes a project

topdir=$("$GRASS" --config path)
addons=$(addon_folder)

sources() {
    cd "$root"
    find Makefile i.dl.html i.dl.md i_dl_*.png requirements*.txt i.dl.*/ lib manual -type f \
        \( -name Makefile -o -name '*.txt' -o -name '*.py' -o -name '*.j2' \
        -o -name '*.html' -o -name '*.md' -o -name '*.png' \)
}

fingerprint() {
    {
        echo "$VENV $topdir"
        "$GRASS" --config version
        sources | LC_ALL=C sort | (cd "$root" && 
            xargs -d '\n' sha256sum tools/install.sh tools/register.py)
    } | sha256sum
}

# Says which file of the toolset is not under folder $1, if any.
first_absent() {
    local module page
    for module in $modules; do
        [ -x "$1/scripts/$module" ] || { echo "scripts/$module" && return; }
        [ -s "$1/docs/html/$module.html" ] || { echo "docs/html/$module.html" && return; }
    done
    for page in i.dl.html $(cd "$root/manual" && echo i.dl_*.html); do
        [ -s "$1/docs/html/$page" ] || { echo "docs/html/$page" && return; }
    done
    [ -f "$1/etc/i.dl/grassdl/__init__.py" ] || { echo etc/i.dl/grassdl && return; }
}

stamp=$addons/etc/i.dl/installed
wanted=$(fingerprint)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -z "$(first_absent "$addons")" ] &&
    grep -q '<task name="i\.dl">' "$addons/extensions.xml"; then
    exit 0
fi

say "building with GRASS $("$GRASS" --config version)"
source=$scratch/source build=$scratch/build new=$scratch/new log=$scratch/log
mkdir -p "$source" "$build/locale" "$new/scripts" "$new/docs/html" "$new/docs/man/man1" "$new/etc"
sources | (cd "$root" && tar -cf - -T -) | tar -xf - -C "$source"

failed() {
    cat "$log" >&2
    die "$1 (the log of the build is above); nothing was installed"
}

# The scripts describe their options in a session: that of GRASS's own demolocation is root's.
printf 'GISDBASE: %s\nLOCATION_NAME: project\nMAPSET: PERMANENT\n' "$scratch" >"$scratch/gisrc"
"$GRASS" -c XY -e "$scratch/project" >"$log" 2>&1 || failed "GRASS could not make a project"

# GRASS's make files call python3: let it be the one that the modules will have.
export PATH="$VENV/bin:$PATH"
unset PYTHONPATH GISBASE GISRC MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
build_by_make() {
    # From GRASS 8.5 on pages are made in Markdown, too, which would go into GRASS's own folder.
    local markdown=()
    if grep -q '^MDDIR' "$topdir/include/Make/Grass.make"; then
        markdown=(MDDIR="$build/docs/mkdocs")
        mkdir -p "$build/docs/mkdocs/source"
    fi
    make -s -C "$source" MODULE_TOPDIR="$topdir" RUN_GISRC="$scratch/gisrc" BIN="$build/bin" \
        ETC="$build/etc" SCRIPTDIR="$build/scripts" DOCSDIR="$build/docs" \
        HTMLDIR="$build/docs/html" MANBASEDIR="$build/docs/man" STRINGDIR="$build/locale" \
        ERRORLOG="$build/error.log" "${markdown[@]}" >"$log" 2>&1 || failed "the build failed"
    # A failing folder does not stop make, nor does a script that crashes while its page is made.
    [ ! -s "$build/error.log" ] ||
        failed "the build failed in $(tr '\n' ' ' <"$build/error.log")"
    make -s -C "$source" MODULE_TOPDIR="$topdir" ARCH_DISTDIR="$build" INST_DIR="$new" \
        install-files >>"$log" 2>&1 || failed "make install failed"
}

# What the make files do: a page is what the module says of its options, then its text.
build_without_make() {
    local module page
    mkdir -p "$new/etc/i.dl"
    cp -R "$source/lib/grassdl" "$source"/requirements*.txt "$new/etc/i.dl/"
    for module in $modules; do
        install -m 755 "$source/$module/$module.py" "$new/scripts/$module"
        page=$new/docs/html/$module.html
        "$GRASS" "$scratch/project/PERMANENT" --exec python3 "$new/scripts/$module" \
            --html-description </dev/null 2>"$log" >"$scratch/page" || failed "the build failed"
        {
            sed -n '/<!DOCTYPE/,/<\/body>/{/<\/body>/!p}' "$scratch/page"
            cat "$source/$module/$module.html"
            echo "</body></html>"
        } >"$page"
    done
    cp "$source"/i.dl.html "$source"/manual/*.html "$new/docs/html/"
    find "$source" -name 'i_dl_*.png' -exec cp {} "$new/docs/html/" \;
}

if command -v make >/dev/null && [ -e "$topdir/include/Make/Script.make" ]; then
    build_by_make
else
    build_without_make
fi
for module in $modules; do
    grep -q '<div id="synopsis">' "$new/docs/html/$module.html" ||
        failed "$module does not describe its options"
done
absent=$(first_absent "$new")
[ -z "$absent" ] || failed "the build did not make $absent"

for module in $modules; do
    sed -i "1s|.*|#!$VENV/bin/python|" "$new/scripts/$module"
done
mkdir -p "$addons" 2>/dev/null || true
[ -w "$addons" ] || die "cannot write to $addons"
python3 "$root/tools/register.py" remove "$addons"
cp -R "$new/." "$addons/"
echo "$wanted" >"$stamp"
python3 "$root/tools/register.py" add "$addons" "$topdir"
say "installed $modules in $addons; g.extension -a lists them"
