"""Predict with Keras in an environment that has TensorFlow but not Muslin, and save the predictions.

    python _keras_on_tensorflow.py IMAGES.npy PREDICTIONS.npz MODEL...

Images are NHWC float32 in 0–1. The result has one array per model, "0", "1", …, and the versions.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

images_path, out, *models = sys.argv[1:]
images = np.load(images_path, allow_pickle=False)
predictions = {
    str(number): keras.saving.load_model(path, compile=False).predict(images, batch_size=500, verbose=0)
    for number, path in enumerate(models)
}
versions = np.array([keras.__version__, tf.__version__])
np.savez(out, versions=versions, **predictions)
