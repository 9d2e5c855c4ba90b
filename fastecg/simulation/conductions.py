"""Conductions and morphologies: the shapes of QRS complex, ST segment and T wave."""

from __future__ import annotations

from dataclasses import dataclass

from fastecg.simulation.waves import (
    BASE,
    LBBB_QRS,
    LBBB_STT,
    QRS,
    RBBB_QRS,
    SEPTUM,
    ST,
    STT,
    WALL,
    Lobe,
    Lobes,
    T,
    U,
    scaled,
    shifted_st,
    t_wave,
    timed,
)


@dataclass(frozen=True)
class Conduction:
    """How the ventricles are activated and recover: one entry of `CONDUCTIONS`."""

    name: str
    about: str
    qrs: Lobes = QRS  # lobes of the QRS complex, with times in ms
    stt: Lobes = STT  # lobes of the ST segment, the T wave and the U wave, with times in shares of the QT interval
    pr_ms: float = 0.0  # added to the PR interval of the patient (`Body.pr_s`)
    qtc_ms: float = 0.0  # added to the QTc of the patient (`Body.qtc_s`)
    p_gain: float = 1.0  # factor of P waves


#: All conductions and morphologies. What an entry does not name is as in `normal`.
CONDUCTIONS: tuple[Conduction, ...] = (
    Conduction("normal", "narrow QRS, upright T"),
    Conduction("rbbb", "right bundle branch block: rSR' in V1, wide S in I and V6", RBBB_QRS, ST + t_wave(0.34, 0.20, 0.10) + U, qtc_ms=30),
    Conduction("lbbb", "left bundle branch block: wide notched R in I and V6, deep S in V1, discordant T", LBBB_QRS, LBBB_STT, qtc_ms=40),
    Conduction(
        "lafb",
        "left anterior fascicular block: axis about -50 degrees, qR in aVL, rS in the inferior leads",
        (
            Lobe(17, 6, 6, -0.16, 0.28, -0.22),
            Lobe(40, 8, 8, 0.98, -0.12, 0.02),
            Lobe(55, 8, 9, 0.45, -0.78, 0.48),
            Lobe(72, 8, 9, -0.06, -0.38, 0.22),
        ),
    ),
    Conduction(
        "lpfb",
        "left posterior fascicular block: axis about +110 degrees, rS in I, qR in III",
        (
            Lobe(18, 6, 7, 0.16, -0.26, -0.20),
            Lobe(38, 9, 9, 0.52, 0.66, 0.00),
            Lobe(56, 9, 9, -0.36, 0.85, 0.50),
            Lobe(72, 8, 9, -0.30, 0.25, 0.22),
        ),
    ),
    Conduction(
        "wpw",
        "pre-excitation: short PR, delta wave, wide QRS",
        (Lobe(26, 12, 14, 0.20, 0.10, -0.13), Lobe(46, 13, 13, 0.34, 0.19, -0.18), *timed(WALL + BASE, 23)),
        ST + t_wave(0.16, 0.08, -0.14) + U,
        pr_ms=-52,
        qtc_ms=15,
    ),
    Conduction("lvh", "left ventricular hypertrophy by voltage", timed(scaled(QRS, 1.60, 1.20, 1.75), wider=1.08), scaled(STT, 1.1)),
    Conduction(
        "lvh_strain",
        "left ventricular hypertrophy with lateral ST depression and inverted T",
        timed(scaled(QRS, 1.70, 1.20, 1.85), wider=1.1),
        shifted_st(-0.13, -0.05, -0.10) + t_wave(-0.28, -0.06, -0.22, 0.15, 0.08),
    ),
    Conduction(
        "rvh",
        "right ventricular hypertrophy: right axis, tall R in V1, deep S in V6, inverted T in V1 to V3",
        (*SEPTUM, Lobe(36, 8, 8, 0.62, 0.55, -0.10), Lobe(56, 10, 11, -0.66, 0.55, -0.62), Lobe(74, 9, 9, -0.34, -0.05, 0.05)),
        shifted_st(0.02, -0.02, 0.06) + t_wave(0.26, 0.06, 0.20),
    ),
    Conduction(
        "st_elevation_anterior",
        "acute anterior infarction: domed ST elevation V1 to V4 running into T, small r waves",
        scaled(SEPTUM, 1.0, 1.0, 0.35) + scaled(WALL, 0.85) + BASE,
        shifted_st(0.05, -0.06, -0.24) + t_wave(0.24, 0.06, -0.36, 0.15, 0.09),
    ),
    Conduction(
        "st_elevation_inferior",
        "acute inferior infarction: ST elevation in II, III, aVF, mirrored in I, aVL",
        (Lobe(20, 7, 8, -0.12, -0.22, -0.20), *WALL, *BASE),
        shifted_st(-0.06, 0.23, 0.08) + t_wave(0.10, 0.36, -0.10, 0.15, 0.09),
    ),
    Conduction("st_depression", "horizontal ST depression, lateral and inferior", stt=shifted_st(-0.13, -0.10, 0.05) + scaled(T, 0.6) + U),
    Conduction("inverted_t", "deep symmetric T inversion V2 to V5", stt=t_wave(-0.20, -0.06, 0.20, 0.11, 0.10) + U, qtc_ms=25),
    Conduction("long_qt", "QTc about 520 ms", stt=ST + t_wave(0.30, 0.20, -0.25, 0.10, 0.07) + U, qtc_ms=110),
    Conduction("low_voltage", "QRS below 0.5 mV in the limb leads", scaled(QRS, 0.36), scaled(STT, 0.45), p_gain=0.6),
    Conduction(
        "old_inferior_mi",
        "old inferior infarction: Q waves of 40 ms and inverted T in II, III, aVF",
        (Lobe(20, 8, 9, -0.06, -0.50, -0.20), Lobe(45, 8, 8, 1.10, 0.46, 0.10), Lobe(58, 8, 9, 0.14, 0.10, 0.58), *BASE),
        ST + t_wave(0.28, -0.20, -0.22) + U,
    ),
    Conduction(
        "old_anterior_mi",
        "old anterior infarction: QS in V1 to V3, poor R progression, inverted T",
        (Lobe(19, 8, 9, -0.10, -0.05, 0.34), Lobe(40, 8, 9, 0.80, 0.60, 0.62), Lobe(55, 8, 9, 0.15, 0.18, 0.55), *BASE),
        shifted_st(0.02, 0.0, -0.07) + t_wave(-0.04, 0.12, 0.20),
    ),
    Conduction(
        "early_repolarisation",
        "J-point notch, concave ST elevation V2 to V5, tall T",
        (*QRS, Lobe(92, 6, 7, 0.13, 0.11, -0.03)),
        (Lobe(0.40, 0.12, 0.18, 0.07, 0.06, -0.12), *t_wave(0.46, 0.30, -0.38)),
    ),
    Conduction(
        "hyperkalaemia",
        "tall narrow T, low P, wider QRS",
        timed(scaled(QRS, 0.9), wider=1.18),
        t_wave(0.80, 0.48, -0.55, 0.062, 0.055),
        pr_ms=20,
        qtc_ms=-25,
        p_gain=0.35,
    ),
)
