"""Makes the goldens of real photos in embed/hub/layout:

    python scripts/golden_photos.py ../shared/real

50 photos of COCO go through the preprocessing of each family, by Pillow and the
family's own program, and through MobileNetV2 by ONNX Runtime: a real network, which
answers to what a wrong filter, crop or mean changes. Writes

* embed/hub/layout/testdata/photos.json: the names of the photos, and for each family
  the files of a repository that publishes its preprocessing;
* embed/hub/layout/testdata/photos.npy: float16 [family, photo, 256], every fifth
  feature. Nothing here is random.

Needs scripts/requirements.txt.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import transformers
from golden_layout_repository import CLIP_MEAN, CLIP_STD, hugging_face
from PIL import Image

OUT = Path(__file__).resolve().parent.parent / "embed/hub/layout/testdata"
PHOTOS, STRIDE, SIZE, HALF = 50, 5, 224, [0.5, 0.5, 0.5]
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
STEPS = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
CROP = {"do_center_crop": True, "crop_size": {"height": SIZE, "width": SIZE}}
SQUARE = {"size": {"height": SIZE, "width": SIZE}, "image_mean": HALF, "image_std": HALF}
HUGGING_FACE = {
    "CLIP": ("clip_vision_model", {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": SIZE}, "resample": 3,
                      "image_mean": CLIP_MEAN, "image_std": CLIP_STD, **CROP, **STEPS}),
    "SigLIP": ("siglip_vision_model", {"image_processor_type": "SiglipImageProcessor", "resample": 3, **SQUARE, **STEPS}),
    "SigLIP 2": ("siglip_vision_model", {"image_processor_type": "SiglipImageProcessor", "resample": 2, **SQUARE, **STEPS}),
    "DINOv2": ("dinov2", {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "resample": 3,
                          **IMAGENET, **CROP, **STEPS}),
}
OPEN_CLIP = {"size": [SIZE, SIZE], "mode": "RGB", "mean": CLIP_MEAN, "std": CLIP_STD, "interpolation": "bicubic",
             "resize_mode": "shortest", "fill_color": 0}


def families():
    """Yields name, model_type, file, content and preprocessing of each family."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    for name, (kind, config) in HUGGING_FACE.items():
        yield name, kind, "preprocessor_config.json", config, hugging_face(config["image_processor_type"], config)
    transform = image_transform_v2(PreprocessCfg(**OPEN_CLIP), is_train=False)
    yield "open_clip", "clip_vision_model", "open_clip_config.json", {"preprocess_cfg": OPEN_CLIP}, lambda im: transform(im).numpy()


def features(session, pixels, photos):
    """Returns every fifth feature of each photo, at unit length."""
    rows = []
    for path in photos:
        with Image.open(path) as photo:
            x = np.asarray(pixels(photo.convert("RGB")), np.float32)[None]
        row = session.run(["features"], {"input": x})[0][0, ::STRIDE].astype(np.float64)
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)


def main():
    transformers.logging.set_verbosity_error()
    real = Path(sys.argv[1])
    session = onnxruntime.InferenceSession(str(real / "models/mobilenetv2/mobilenetv2.onnx"), providers=["CPUExecutionProvider"])
    photos = sorted((real / "photos/coco/val2017").glob("*.jpg"))[:PHOTOS]
    about, rows = [], []
    for name, kind, file, content, pixels in families():
        config = {"model_type": kind, "projection_dim": 1280, "hidden_size": 1280, "vision_config": {"hidden_size": 1280}}
        about.append({"name": name, "files": {"config.json": config, file: content}})
        rows.append(features(session, pixels, photos))
    for i, a in enumerate(about):
        print(f"{a['name']:10} least cosine to another family's: "
              f"{min((rows[i] * other).sum(axis=1).min() for j, other in enumerate(rows) if j != i):.4f}")
    np.save(OUT / "photos.npy", np.array(rows, np.float16))
    golden = {"photos": [p.name for p in photos], "stride": STRIDE, "families": about}
    (OUT / "photos.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
