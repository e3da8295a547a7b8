#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the toolset with GRASS's own make files in a scratch folder and installs it
# in $GRASS_ADDON_BASE, by default the folder where GRASS looks for the user's addons.
# The scripts run under the interpreter of VENV, whatever PATH a session has.
# Does nothing when the installed toolset is the one in this checkout.
set -euo pipefail
. "$(dirname "$0")/common.sh"

command -v "$GRASS" >/dev/null || die "GRASS is not installed: run make setup"
[ -x "$VENV/bin/python" ] || die "there is no Python environment in $VENV: run make setup"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch # GRASS 8.4 leaves an empty file there each time it makes a project

topdir=$("$GRASS" --config path)
# GRASS itself knows where its addons are. (8.4 prints a remark on --tmp-location to stdout.)
addons=${GRASS_ADDON_BASE:-$(
    "$GRASS" --tmp-location XY --exec sh -c 'echo "addons=$GRASS_ADDON_BASE"' 2>/dev/null |
        sed -n 's/^addons=//p'
)}
[[ $addons == /* ]] ||
    die "GRASS_ADDON_BASE=$addons: give the full path of the folder for GRASS's addons"

sources() {
    cd "$root"
    find Makefile i.dl.html i.dl.md i.dl.*/ lib manual -type f \
        \( -name Makefile -o -name '*.py' -o -name '*.j2' \
        -o -name '*.html' -o -name '*.md' -o -name '*.png' \)
}

fingerprint() {
    {
        echo "$VENV $topdir"
        "$GRASS" --config version
        sources | LC_ALL=C sort | (cd "$root" && xargs -d '\n' sha256sum tools/install.sh)
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
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -z "$(first_absent "$addons")" ]; then
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

# GRASS's make files call python3: let it be the one that the modules will have. With PYTHONPATH
# as in a GRASS session they would also ask github.com for the history of each page.
export PATH="$VENV/bin:$PATH"
unset PYTHONPATH GISBASE GISRC MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
# From GRASS 8.5 on pages are made in Markdown, too, which would go into GRASS's own folder.
markdown=()
if grep -q '^MDDIR' "$topdir/include/Make/Grass.make"; then
    markdown=(MDDIR="$build/docs/mkdocs")
    mkdir -p "$build/docs/mkdocs/source"
fi
make -s -C "$source" MODULE_TOPDIR="$topdir" RUN_GISRC="$scratch/gisrc" BIN="$build/bin" \
    ETC="$build/etc" SCRIPTDIR="$build/scripts" DOCSDIR="$build/docs" HTMLDIR="$build/docs/html" \
    MANBASEDIR="$build/docs/man" STRINGDIR="$build/locale" ERRORLOG="$build/error.log" \
    "${markdown[@]}" \
    >"$log" 2>&1 || failed "the build failed"
# A failing folder does not stop make, nor does a script that crashes while its page is made.
[ ! -s "$build/error.log" ] || failed "the build failed in $(tr '\n' ' ' <"$build/error.log")"
for module in $modules; do
    grep -q '<div id="synopsis">' "$build/docs/html/$module.html" ||
        failed "$module does not describe its options"
done
make -s -C "$source" MODULE_TOPDIR="$topdir" ARCH_DISTDIR="$build" INST_DIR="$new" install \
    >>"$log" 2>&1 || failed "make install failed"
absent=$(first_absent "$new")
[ -z "$absent" ] || failed "the build did not make $absent"

for module in $modules; do
    sed -i "1s|.*|#!$VENV/bin/python|" "$new/scripts/$module"
done
# As g.extension does: links to GRASS's own pages lead to where they are, and the pages look
# alike. The section on the source code names a place in GRASS's repository, and the links of
# keywords lead to lists of GRASS's own modules, which lack most of these: take both out.
for page in "$new"/docs/html/i.dl*.html; do
    sed -i 's|<h2>SOURCE CODE</h2>|\n&|' "$page"
    sed -E -i -e '/<h2>SOURCE CODE<\/h2>/,/<hr class="header">/{/<hr class="header">/!d}' \
        -e "s|href=\"([^\":#/]+\.html)|href=\"file://$topdir/docs/html/\1|g" \
        -e "s|file://$topdir/docs/html/(i\.dl[^\"]*\.html)|\1|g" \
        -e 's,<a href="[^"]*/(keywords\.html#|topic_)[^"]*">([^<]*)</a>,\2,g' "$page"
done
for file in grassdocs.css grass_logo.png hamburger_menu.svg hamburger_menu_close.svg; do
    cp "$topdir/docs/html/$file" "$new/docs/html/" 2>/dev/null || true
done

mkdir -p "$addons" 2>/dev/null || true
[ -w "$addons" ] || die "cannot write to $addons"
rm -rf "$addons/etc/i.dl"
rm -f "$addons"/docs/html/i.dl_* "$addons"/docs/html/i_dl_* # pages and pictures of before
for name in i.dl $modules; do
    rm -f "$addons/scripts/$name" "$addons/docs/html/$name.html" "$addons/docs/man/man1/$name.1"
done
cp -R "$new/." "$addons/"
echo "$wanted" >"$stamp"
say "installed $modules in $addons"
