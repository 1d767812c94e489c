/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The BearerGuard authors */
#include "bearerguard.h"
