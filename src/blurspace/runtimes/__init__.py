"""Other runtimes than torch, for the convolutional parts of networks: ONNX files, onnxruntime, OpenVINO."""
