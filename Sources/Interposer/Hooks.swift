import CaptureABI
