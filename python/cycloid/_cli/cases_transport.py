"""The transport problems of the demonstration, from what scikit-learn carries."""

import importlib.util
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits, load_sample_image

Matrix = npt.NDArray[np.float64]

SAMPLE = 1000  # pixels of each image


@dataclass(frozen=True)
class TransportCase:
    """One row of the table: move equal masses at costs ``M``; ``share`` = reg / median cost."""

    title: str
    M: Matrix
    share: float

    @property
    def reg(self) -> float:
        """The regularization, in the unit of the costs."""
        return self.share * float(np.median(self.M))


def demonstration() -> list[TransportCase]:
    """Return the rows of the table; without Pillow, which opens images, those of digits alone."""
    images = load_digits().data
    M = cdist(images[::2], images[1::2], "sqeuclidean")
    cases = [TransportCase("digits to digits", M, share) for share in (1e-1, 1e-2, 1e-3)]
    if can_open_images():
        source, target = (sample(image) for image in photographs())
        M = cdist(source, target, "sqeuclidean")
        cases += [TransportCase("colours to colours", M, share) for share in (1e-1, 1e-2, 1e-3)]
    return cases


def can_open_images() -> bool:
    """Whether Pillow is there, which comes with matplotlib."""
    return importlib.util.find_spec("PIL") is not None


def photographs() -> tuple[Matrix, Matrix]:
    """A temple and a flower, every second pixel of each direction, from 0 to 1."""
    source, target = (load_sample_image(f"{name}.jpg")[::2, ::2] for name in ("china", "flower"))
    return source / 255, target / 255


def sample(image: Matrix) -> Matrix:
    """Some pixels, the same at each call."""
    return np.random.default_rng(0).choice(image.reshape(-1, 3), SAMPLE, replace=False)
