"""Who reads conversations. What they read stays on this machine: onnxruntime's telemetry, on by default, is off."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before anybody imports onnxruntime
