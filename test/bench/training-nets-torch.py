"""Training steps of the nets of training-nets.json in PyTorch, one thread: a name in, the processor's milliseconds out."""

import json
import sys
import time
from pathlib import Path

import torch
from torch import nn

torch.set_num_threads(1)


class Residual(nn.Module):
    def __init__(self, main, shortcut):
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class Same(nn.Module):
    """Pads as TensorFlow's 'same': more at the end."""

    def __init__(self, kernel, stride, size):
        super().__init__()
        total = [max(0, (-(-n // stride) - 1) * stride + kernel - n) for n in size]
        self.pad = nn.ZeroPad2d((total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2))

    def forward(self, x):
        return self.pad(x)


def build(layers, shape):
    """The module and the shape [channels, height, width] (or [features]) that it gives."""
    parts = []
    for kind, *args in layers:
        if kind in ("conv", "dw"):
            outputs, kernel, stride = args if kind == "conv" else (shape[0], *args)
            symmetric = stride == 1
            if not symmetric and kernel > 1:
                parts.append(Same(kernel, stride, shape[1:]))
            groups = shape[0] if kind == "dw" else 1
            padding = kernel // 2 if symmetric else 0
            parts.append(nn.Conv2d(shape[0], outputs, kernel, stride, padding, groups=groups, bias=False))
            shape = [outputs, *[-(-n // stride) for n in shape[1:]]]
        elif kind == "bn":
            parts.append(nn.BatchNorm2d(shape[0], eps=1e-3, momentum=0.01))
        elif kind == "relu":
            parts.append(nn.ReLU())
        elif kind == "relu6":
            parts.append(nn.ReLU6())
        elif kind == "pool":
            parts.append(nn.MaxPool2d(args[0]))
            shape = [shape[0], *[n // args[0] for n in shape[1:]]]
        elif kind == "residual":
            main, after = build(args[0], shape)
            shortcut, _ = build(args[1], shape)
            parts.append(Residual(main, shortcut))
            shape = after
        elif kind == "gap":
            parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            shape = [shape[0]]
        elif kind == "flatten":
            parts.append(nn.Flatten())
            shape = [shape[0] * shape[1] * shape[2]]
        elif kind == "dense":
            parts.append(nn.Linear(shape[0], args[0]))
            shape = [args[0]]
    return nn.Sequential(*parts), shape


specs = json.loads((Path(__file__).parent / "training-nets.json").read_text())
loss_of = nn.CrossEntropyLoss()
nets = {}

print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    name = line.strip()
    if name not in nets:
        height, width, channels = specs[name]["input"]
        batch = specs[name]["batch"]
        net, _ = build(specs[name]["layers"], [channels, height, width])
        xs, ys = torch.rand(batch, channels, height, width), torch.arange(batch) % 7
        nets[name] = net, torch.optim.Adam(net.parameters(), 1e-3, eps=1e-7), xs, ys
    net, optimizer, xs, ys = nets[name]
    start = time.process_time()
    optimizer.zero_grad()
    loss = loss_of(net(xs), ys)
    loss.backward()
    optimizer.step()
    loss.item()
    print((time.process_time() - start) * 1e3, flush=True)
