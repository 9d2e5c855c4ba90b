"""Signal-to-noise ratios of one lead against its reference, by three published definitions.

All functions take millivolts, `reference` and `estimate` of the same shape. Samples that are NaN in the reference were not drawn and are
left out. The definitions differ in the alignment before the comparison: `raw_snr` removes nothing; `challenge_2024` an offset of at most
0.5 s and 1 mV; `kaggle_2025` an offset of at most 0.2 s and any voltage.
"""

from __future__ import annotations

import numpy as np

_LEVELS = 256  # The 2024 metric draws signals as pictures of this height in px, so it distinguishes as many voltages.
_BLUR = 0.5  # Standard deviation in px of the blur of the pictures that the 2024 metric draws.
_MOST_SHIFT_S = 0.5  # Largest shift in time that the 2024 metric removes.
_MOST_SHIFT_MV = 1.0  # Largest shift in voltage that the 2024 metric removes. If either shift is too large, neither is removed.
_KAGGLE_LAG_S = 0.2  # Largest shift in time that the 2025 metric removes.

#: Largest ratio of signal power to noise power in the Kaggle metric, 25.84 dB. Larger ratios count as this one.
KAGGLE_CLIP = 384.0


def raw_snr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Signal-to-noise ratio in dB, without alignment and without removing a mean.

    A sample that was drawn and is missing in the estimate counts as 0 mV, so that an estimate gains nothing by leaving out difficult parts.
    A lead that is missing altogether has 0 dB. The result is inf for a perfect estimate, and NaN if the reference is 0 mV throughout or was
    not drawn.
    """
    drawn = np.isfinite(reference)
    wanted = reference[drawn].astype(np.float64)
    found = np.nan_to_num(estimate[drawn].astype(np.float64), nan=0.0)
    return decibels(float(np.sum(wanted**2)), float(np.sum((wanted - found) ** 2)))


def challenge_2024(reference: np.ndarray, estimate: np.ndarray, fs: float, *, as_published: bool = False) -> float:
    """The metric of the PhysioNet Challenge 2024, dB.

    Both signals are drawn as pictures of 256 levels, which are aligned by their cross-correlation. The SNR over the samples that both
    have is multiplied by the share of the reference's samples that the estimate has. The result is 0 dB if both have no sample in common,
    inf if they agree perfectly, and NaN if the reference was not drawn or is 0 mV in all samples that both have.

    The organisers' code has a fault: an estimate that begins k samples early should only be moved by k, but is also cut after its first k
    samples (``x_est[:-offset]`` with a negative offset). `as_published` repeats this, for comparison with published scores.
    """
    return challenge_2024_both(reference, estimate, fs)[as_published]


def challenge_2024_both(reference: np.ndarray, estimate: np.ndarray, fs: float) -> tuple[float, float]:
    """`challenge_2024` without and with `as_published`, in dB. The alignment, which takes most of the time, is done once for both."""
    drawn = np.isfinite(reference)
    if not (drawn & np.isfinite(estimate)).any():
        nothing = 0.0 if drawn.any() else np.nan
        return nothing, nothing
    aligned, late = _aligned_as_pictures(reference.astype(np.float64), estimate.astype(np.float64), fs)
    corrected = _snr_of_present(reference, aligned)
    if late >= 0:
        return corrected, corrected
    aligned[2 * -late :] = np.nan  # The moved estimate begins at sample -late, and only its first -late samples are kept.
    return corrected, _snr_of_present(reference, aligned)


def _snr_of_present(reference: np.ndarray, aligned: np.ndarray) -> float:
    """SNR over the samples present in both, dB, times the share of the reference's samples that the estimate has; 0 if both share none."""
    drawn = np.isfinite(reference)
    both = drawn & np.isfinite(aligned)
    if not both.any():
        return 0.0
    wanted, found = reference[both].astype(np.float64), aligned[both]
    return decibels(float(np.mean(wanted**2)), float(np.mean((wanted - found) ** 2))) * float(both.sum() / drawn.sum())


def kaggle_2025(reference: np.ndarray, estimate: np.ndarray, fs: float) -> tuple[float, float]:
    """Power of the signal and of the error of one lead, in mV² summed over samples, as the Kaggle competition of 2025 defines them.

    The estimate is shifted by the number of samples, at most 0.2 s, at which the correlation is largest, and by the voltage that fits best.
    Missing samples count as 0 mV before these shifts. Both powers are 0 if the reference was not drawn. The signal-to-noise
    ratio of a page is the sum of the signal powers of its leads, divided by the sum of their error powers.
    """
    drawn = np.isfinite(reference)
    wanted = np.where(drawn, reference, 0.0).astype(np.float64)
    found = np.nan_to_num(np.where(drawn, estimate, 0.0).astype(np.float64), nan=0.0)
    # The part from the first to the last drawn sample is compared. Samples that the shift in time leaves unknown count as 0 mV.
    first, last = _extent(drawn)
    moved = _moved(found[first:last], -_best_lag(wanted[first:last], found[first:last], int(_KAGGLE_LAG_S * fs)))
    inside = np.isfinite(moved)
    level = np.mean(moved[inside] - wanted[first:last][inside]) if inside.any() else 0.0
    error = wanted[first:last] - np.where(inside, moved - level, 0.0)
    return float(np.sum(wanted**2)), float(np.sum(error[drawn[first:last]] ** 2))


def decibels(signal: float, noise: float) -> float:
    """10 log10 of the ratio of two powers; NaN if the signal has none, inf if only the noise has none."""
    if not signal > 0:
        return np.nan
    return float(10.0 * np.log10(signal / noise)) if noise > 0 else np.inf


def _extent(present: np.ndarray) -> tuple[int, int]:
    """First index at which a mask is True, and the index after the last one; (0, 0) if it is False throughout."""
    where = np.flatnonzero(present)
    return (int(where[0]), int(where[-1]) + 1) if where.size else (0, 0)


def _moved(signal: np.ndarray, later: int) -> np.ndarray:
    """A signal delayed by `later` samples, or advanced if this is negative, with NaN where the shift leaves no sample."""
    out = np.full(len(signal), np.nan)
    if abs(later) < len(signal):
        out[max(later, 0) : len(signal) + min(later, 0)] = signal[max(-later, 0) : len(signal) - max(later, 0)]
    return out


def _best_lag(wanted: np.ndarray, found: np.ndarray, most: int) -> int:
    """Delay of `found`, at most `most` samples, at which it correlates best with `wanted`, without their means; 0 if both are empty."""
    from scipy.signal import correlate, correlation_lags

    if not len(wanted):
        return 0
    strength = correlate(found - found.mean(), wanted - wanted.mean(), method="fft")
    lags = correlation_lags(len(found), len(wanted))
    strength[np.abs(lags) > most] = -np.inf
    return int(lags[np.argmax(strength)])


def _aligned_as_pictures(reference: np.ndarray, estimate: np.ndarray, fs: float) -> tuple[np.ndarray, int]:
    """Remove the offset at which both signals, drawn as pictures, correlate best.

    Returns
    -------
    aligned : ndarray
        The estimate without this offset, or as it was if the offset is too large or both signals are the same constant.
    late : int
        Number of samples by which the estimate was late; negative if it was early, 0 if nothing was removed.
    """
    low = min(np.nanmin(reference), np.nanmin(estimate))
    high = max(np.nanmax(reference), np.nanmax(estimate))
    if not high > low:
        return estimate, 0
    first, last = _extent(np.isfinite(reference) | np.isfinite(estimate))
    pictures = [_picture((signal[first:last] - low) / (high - low)) for signal in (reference, estimate)]
    late, up = _offset(*pictures)
    shift_mv = up * (high - low) / (_LEVELS - 1)
    if abs(late) > round(_MOST_SHIFT_S * fs) or abs(shift_mv) > _MOST_SHIFT_MV:
        return estimate, 0
    return _moved(estimate, -late) - shift_mv, late


def _picture(signal: np.ndarray) -> np.ndarray:
    """Draw a signal (samples,) of values 0 to 1, NaN if unknown, as a slightly blurred picture (levels, samples); value 0 is in row 0."""
    from scipy.ndimage import gaussian_filter

    picture = np.zeros((_LEVELS, len(signal)), np.float32)
    known = np.flatnonzero(np.isfinite(signal))
    picture[np.rint(signal[known] * (_LEVELS - 1)).astype(int), known] = 1.0
    return np.asarray(gaussian_filter(picture, _BLUR, mode="constant"))


def _offset(reference: np.ndarray, estimate: np.ndarray) -> tuple[int, int]:
    """Shift of `estimate` in samples and in levels at which the cross-correlation is largest: positive if the estimate is late or high.

    The organisers' code subtracts the shift at which the reference's auto-correlation is largest. This shift is always 0.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    shape = [next_fast_len(2 * n - 1, real=True) for n in reference.shape]
    spectrum = rfft2(estimate, shape) * np.conj(rfft2(reference, shape))
    row, column = np.unravel_index(np.argmax(irfft2(spectrum, shape)), shape)
    # The correlation is circular: indices in its upper half stand for negative shifts.
    level, sample = (int(k) if k <= n // 2 else int(k) - n for k, n in ((row, shape[0]), (column, shape[1])))
    return sample, level
