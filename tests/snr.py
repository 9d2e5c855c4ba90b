"""Raw SNR alone: `fastecg.score` aligns pictures of every lead besides, which takes longer than reading them."""

import numpy as np

from fastecg.digitizing.metrics import raw_snr


def raw_snrs(wanted, found):
    """Decibels of every lead that was drawn; one that was not found has none."""
    nothing = np.full(wanted.samples, np.nan)
    leads = [lead for lead in wanted.leads if np.isfinite(wanted.lead(lead)).any()]
    known = [found.lead(lead)[: wanted.samples] if lead in found.leads else nothing for lead in leads]
    return [raw_snr(wanted.lead(lead)[: len(signal)], signal) for lead, signal in zip(leads, known, strict=True)]
