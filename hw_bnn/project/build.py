"""Train, export, and prove: the RTL gives the model's integers, image by image.

python build.py          # writes run/, model.onnx, verified/ (report.html, accelerator/)
"""

import shutil
import sys
from pathlib import Path

import hw_bnn as hb

TARGET_CYCLES = None  # clock cycles an image; `hw-bnn estimate model.onnx` shows what each costs
DATASET = "$dataset"

for folder in ("run", "verified"):  # of the build before
    shutil.rmtree(folder, ignore_errors=True)
run = hb.train("recipe.yaml", out="run")
model = hb.export(run, "model.onnx")
old = "baseline.json" if Path("baseline.json").exists() else None  # a summary.json to hold on to
summary = hb.verify(
    model, out="verified", run=run, dataset=DATASET, target_cycles=TARGET_CYCLES,
    junit="results.xml", baseline=old, max_luts="+2%" if old else None,
)  # fmt: skip
print("accuracy of the RTL:", summary["accuracy"]["rtl"])
print("clock cycles per image:", summary["cycles_per_frame"])
worse = [row["figure"] for row in summary["limits"] if not row["passed"]]
if not summary["passed"] or worse:
    sys.exit(f"stages differ: {summary['mismatches']}; worse than the baseline: {worse}")
