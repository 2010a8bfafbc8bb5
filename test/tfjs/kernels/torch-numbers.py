"""Writes torch.json: what PyTorch gives for the ops of torch.test.ts, on the noise of paths.ts.

    python3 test/tfjs/kernels/torch-numbers.py > test/tfjs/kernels/torch.json
"""

import json

import numpy as np
import torch
import torch.nn.functional as F


def noise(shape, phase):
    mask = 0xFFFFFFFF
    values = []
    for i in range(int(np.prod(shape))):
        h = (i + phase * 0x9E3779B9) & mask
        h = ((h ^ (h >> 16)) * 0x85EBCA6B) & mask
        h = ((h ^ (h >> 13)) * 0xC2B2AE35) & mask
        h ^= h >> 16
        values.append(np.float32(2 * np.float32(h / 2**32) - 1))
    return torch.tensor(np.array(values, dtype=np.float32).reshape(shape).astype(np.float64), requires_grad=True)


def first(x, places=None):
    """Channels first: from [n, ..., c] to [n, c, ...]."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def case(y, inputs, phase=9):
    """The value, and the gradients by the inputs of the sum of y times noise."""
    dy = noise(list(y.shape), phase).detach()
    gradients = torch.autograd.grad((y * dy).sum(), inputs)
    return [{"shape": list(t.shape), "values": [round(v, 6) for v in t.detach().flatten().tolist()]} for t in (y, *gradients)]


cases = {}

x, f = noise([1, 3, 4, 4, 2], 1), noise([2, 3, 3, 2, 3], 2)
cases["conv3d"] = case(last(F.conv3d(first(x), f.permute(4, 3, 0, 1, 2), stride=1)), [x, f])
cases["conv3d stride 2"] = case(last(F.conv3d(first(x), f.permute(4, 3, 0, 1, 2), stride=(1, 2, 2))), [x, f])

x = noise([1, 4, 4, 4, 2], 1)
low = x - 3
cases["maxPool3d of negative values"] = case(last(F.max_pool3d(first(low), 2)), [x])
cases["avgPool3d"] = case(last(F.avg_pool3d(first(x), 2, stride=1)), [x])

x = noise([2, 5, 5, 3], 1)
cases["avgPool with a border"] = case(last(F.avg_pool2d(first(x), 3, 1, 1, count_include_pad=False)), [x])
cases["maxPool with a border and ceil"] = case(last(F.max_pool2d(first(x), 2, 2, 0, ceil_mode=True)), [x])

x, f = noise([2, 6, 6, 4], 1), noise([3, 3, 4, 1], 2)
depthwise = f.permute(2, 3, 0, 1)
cases["depthwise"] = case(last(F.conv2d(first(x), depthwise, padding=1, groups=4)), [x, f])
cases["depthwise stride 2"] = case(last(F.conv2d(first(x), depthwise, stride=2, groups=4)), [x, f])
cases["depthwise dilated"] = case(last(F.conv2d(first(x), depthwise, dilation=2, groups=4)), [x, f])

x, f = noise([2, 6, 6, 3], 1), noise([3, 3, 3, 4], 2)
cases["conv2d dilated"] = case(last(F.conv2d(first(x), f.permute(3, 2, 0, 1), dilation=2)), [x, f])

x, f = noise([1, 3, 3, 2], 1), noise([3, 3, 4, 2], 2)
cases["conv2dTranspose"] = case(last(F.conv_transpose2d(first(x), f.permute(3, 2, 0, 1), stride=2)), [x, f])

table = noise([5, 3], 1)
ids = torch.tensor([4, 0, 4, 2])
cases["gather"] = case(table[ids], [table])

a, b = noise([2, 3, 4, 5], 1), noise([2, 6, 4, 5], 2)
cases["einsum"] = case(torch.einsum("bqhd,bkhd->bhqk", a, b), [a, b])

x, scale, offset = noise([3, 2, 2, 4], 1), noise([4], 2), noise([4], 3)
cases["batch norm in training"] = case(
    last(F.batch_norm(first(x), None, None, scale, offset, training=True, eps=1e-3)), [x, scale, offset]
)

x = noise([1, 3, 4, 2], 1)
cases["resizeBilinear"] = case(last(F.interpolate(first(x), (5, 7), mode="bilinear", align_corners=True)), [x])
cases["resizeNearestNeighbor"] = case(last(F.interpolate(first(x), (6, 8), mode="nearest")), [x])

x = noise([1, 2, 2, 6], 1)
cases["localResponseNormalization"] = case(last(F.local_response_norm(first(x), 5, alpha=5.0, beta=0.75, k=1.0)), [x])

x = noise([2, 9], 1)
spectrum = torch.fft.fft(x.to(torch.complex128))
cases["fft"] = [
    {"shape": [2, 9], "values": [round(v, 6) for v in part.detach().flatten().tolist()]}
    for part in (spectrum.real, spectrum.imag)
]

x = noise([3, 4], 1)
(slope,) = torch.autograd.grad((F.relu(x) ** 3).sum(), x, create_graph=True)
(bend,) = torch.autograd.grad((slope * noise([3, 4], 9).detach()).sum(), x)
cases["relu twice"] = [{"shape": [3, 4], "values": [round(v, 6) for v in bend.flatten().tolist()]}]

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
