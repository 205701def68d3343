# SPDX-License-Identifier: MIT
"""What keeps the papers true: see extract.py."""
