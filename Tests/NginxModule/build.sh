#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# Builds the sample module against Debian's nginx (package nginx-dev).
#
#   bash Tests/NginxModule/build.sh FOLDER_OF_libBearerGuardC.so FOLDER_TO_BUILD_IN
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
BEARERGUARD_LIBRARY="$(cd "$1" && pwd)"
BEARERGUARD_INCLUDE="$here/../../Sources/CBearerGuard/include"
export BEARERGUARD_LIBRARY BEARERGUARD_INCLUDE
mkdir -p "$2"
cp -r /usr/share/nginx/src/. "$2"
cd "$2"
# shellcheck disable=SC1091
. ./conf_flags
./configure "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$here" >configure.log 2>&1 || { tail -5 configure.log >&2; exit 1; }
make -s -f objs/Makefile modules >make.log 2>&1 || { tail -20 make.log >&2; exit 1; }
echo "$PWD/objs/ngx_http_bearerguard_module.so"
