"""fastecg: photographs of ECG pages whose geometry is known exactly."""

__version__ = "0.1.0"
