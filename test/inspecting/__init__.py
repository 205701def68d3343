# SPDX-License-Identifier: MIT
"""Tests of remora-inspect."""
