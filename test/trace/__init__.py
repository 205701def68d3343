# SPDX-License-Identifier: MIT
"""What a run writes down with REMORA_TRACE: see trace_test.py."""
