"""Trains the teacher of the shipped weights and the first part of the student, on a GPU, with PyTorch 2.

    npx tsx weights/export-faces.ts
    python3 weights/teacher.py            # 6 minutes on one H200

Reads `runs/teacher` and writes `weights/teacher.bin` (what four networks say of 24 augmented views of each training face)
and `weights/start.bin` (the student after the first part of its training, on those views and on 80 more, of which half are
made much worse). `npm run weights:train` goes on from there without a GPU. The 24 views are those of
`src/tfjs/train/augment.ts`, number by number: `Exact` is `randomStream`, and inputs differ by 1e-5 in the median. Training on
a GPU does not repeat itself to the bit: another run gives other files. Those beside this file were made in one run, in which
three other students were tried too (`weights/MODEL_CARD.md`, "What was tried").
"""
import json
import math
import time

import brotli
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

DATA = 'runs/teacher/'
VIEWS, LEVELS, SEED = 24, 31, 1
# More views for the first part of the student alone: 40 as those of the recipe, 40 made much worse.
MORE = {'A': 40, 'C': 40}
SECONDS_A_TEACHER = 45
SECONDS_A_STUDENT = 85
SETS = ('ferplus', 'photos', 'web')
BEGAN = time.time()
dev = torch.device('cuda')
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True
torch.backends.cudnn.benchmark = True
FOR_GRAPHS = {'fused': True, 'capturable': True}


def say(*what):
    print(f'[{time.time() - BEGAN:6.1f}]', *what, flush=True)


def load():
    meta = json.load(open(DATA + 'meta.json'))
    sizes = {'train': 48, 'ferplus': 48, 'photos': 64, 'web': 64}
    images = {k: torch.from_numpy(np.fromfile(f'{DATA}{k}.raw', np.uint8).reshape(-1, n, n)).to(dev) for k, n in sizes.items()}
    return images, meta


M = 0xffffffff


def imul(a, k):
    return (a * k) & M


def mix(h):
    h = h ^ (h >> 16)
    h = imul(h, 0x85ebca6b)
    h = h ^ (h >> 13)
    h = imul(h, 0xc2b2ae35)
    return h ^ (h >> 16)


class Exact:
    """randomStream of src/train/random.ts, many at once; keys are tensors or integers."""

    def __init__(self, n, *keys):
        h = torch.full((n,), 0x9e3779b9, dtype=torch.int64, device=dev)
        for key in keys:
            k = key if torch.is_tensor(key) else torch.full((n,), key, dtype=torch.int64, device=dev)
            h = mix(h ^ mix(k))
            h = mix(h)
        self.a, self.b, self.c = h, mix((h + 0x6a09e667) & M), mix((h + 0xbb67ae85) & M)
        self.k = torch.ones_like(h)
        for _ in range(12):
            self.step()

    def step(self):
        a, b, c = self.a, self.b, self.c
        r = (a + b + self.k) & M
        self.k = (self.k + 1) & M
        self.a = b ^ (b >> 9)
        self.b = (c + ((c << 3) & M)) & M
        self.c = ((((c << 21) & M) | (c >> 11)) + r) & M
        return r.to(torch.float64) / 2 ** 32

    def next(self, mask=None):
        if mask is None:
            return self.step().float()
        old = (self.a, self.b, self.c, self.k)
        r = self.step()
        self.a, self.b, self.c, self.k = (torch.where(mask, n, o) for n, o in zip((self.a, self.b, self.c, self.k), old))
        return r.float()

    def normal(self, idx, pixels):
        s = Exact.__new__(Exact)
        s.a, s.b, s.c, s.k = self.a[idx], self.b[idx], self.c[idx], self.k[idx]
        out = torch.empty(len(idx), pixels, device=dev)
        for i in range(0, pixels, 2):
            r = torch.sqrt(-2 * torch.log(1 - s.step()))
            t = 2 * math.pi * s.step()
            out[:, i] = (r * torch.cos(t)).float()
            out[:, i + 1] = (r * torch.sin(t)).float()
        for name in 'abck':
            whole = getattr(self, name).clone()
            whole[idx] = getattr(s, name)
            setattr(self, name, whole)
        return out


class Loose:
    def __init__(self, n):
        self.n = n

    def next(self, mask=None):
        return torch.rand(self.n, device=dev)

    def normal(self, idx, pixels):
        return torch.randn(len(idx), pixels, device=dev)


S = 48
YY, XX = torch.meshgrid(torch.arange(S, device=dev).float(), torch.arange(S, device=dev).float(), indexing='ij')
AUG = {
    'A': dict(rotation=12, shift=.08, scale=.15, zoom=.05, contrast=.2, brightness=.1, erasing=.1, degrade=.25,
              degradeAgain=.3, gamma=.6, shadow=.15, motionBlur=.05),
    'B': dict(rotation=15, shift=.1, scale=.2, zoom=.06, contrast=.2, brightness=.1, erasing=.15, band=.15, degrade=.45,
              degradeAgain=.4, gamma=1.5, shadow=.3, motionBlur=.15),
    'C': dict(rotation=15, shift=.1, scale=.18, zoom=.06, contrast=.2, brightness=.1, erasing=.15, band=.25, degrade=.6,
              degradeAgain=.3, gamma=1.2, shadow=.25, motionBlur=.2),
}


def sample_at(x, sx, sy):
    g = torch.stack([2 * sx / (S - 1) - 1, 2 * sy / (S - 1) - 1], -1)
    return F.grid_sample(x[:, None], g, mode='bilinear', padding_mode='border', align_corners=True)[:, 0]


def v(t):
    return t[:, None, None]


def augment(x, s, o):
    n = len(x)
    around = lambda e, m=None: (2 * s.next(m) - 1) * e
    mirrored = s.next() < .5
    angle = around(o['rotation']) * math.pi / 180
    tx = around(o['shift']) * S
    ty = around(o['shift']) * S
    together = 1 + around(o['scale'])
    zx = (1 + around(o['zoom'])) * together
    zy = (1 + around(o['zoom'])) * together
    s.next()  # shear
    factor = 1 + around(o['contrast'])
    lift = around(o['brightness']) * 255
    erased = s.next() < o['erasing']
    cos, sin = torch.cos(angle), torch.sin(angle)
    sign = torch.where(mirrored, -1., 1.).to(dev)
    xx, xy, yx, yy = sign * cos / zx, sign * -sin / zx, sin / zy, cos / zy
    c = (S - 1) / 2
    sx = c + v(xx) * (XX - c) + v(xy) * (YY - c) + v(tx)
    sy = c + v(yx) * (XX - c) + v(yy) * (YY - c) + v(ty)
    x = sample_at(x, sx.clamp(0, S - 1), sy.clamp(0, S - 1))
    mean = x.mean((1, 2), keepdim=True)
    x = mean + (x - mean) * v(factor) + v(lift)
    # erasing
    area = (0.02 + 0.18 * s.next(erased)) * S * S
    aspect = torch.exp((2 * s.next(erased) - 1) * math.log(3))
    wide = torch.floor(torch.sqrt(area * aspect) + .5).clamp(1, S)
    high = torch.floor(torch.sqrt(area / aspect) + .5).clamp(1, S)
    left = torch.floor(s.next(erased) * (S - wide + 1))
    top = torch.floor(s.next(erased) * (S - high + 1))
    hole = (XX >= v(left)) & (XX < v(left + wide)) & (YY >= v(top)) & (YY < v(top + high)) & v(erased)
    x = torch.where(hole, x.mean((1, 2), keepdim=True), x)
    if o.get('band'):
        m = s.next() < o['band']
        eyes = s.next(m) < .5
        wide, high = .5 + .45 * s.next(m), .15 + .17 * s.next(m)
        left = (1 - wide) * s.next(m)
        top = torch.where(eyes, .2 + .12 * s.next(m), .58 + .15 * s.next(m))
        inside = (XX >= v(left * S)) & (XX < v((left + wide) * S)) & (YY >= v(top * S)) & (YY < v((top + high) * S)) & v(m)
        x = torch.where(inside, x.mean((1, 2), keepdim=True) * v(.5 + s.next(m)), x)
    if o.get('gamma'):
        power = (1 + o['gamma']) ** around(1)
        x = 255 * (x.clamp(0, 255) / 255) ** v(power)
    if o.get('shadow'):
        m = s.next() < o['shadow']
        a = 2 * math.pi * s.next(m)
        edge = (s.next(m) - .5) / 2
        dark = .2 + .6 * s.next(m)
        soft = .1 + .7 * s.next(m)
        ac, dn = torch.cos(a) / (soft * S), torch.sin(a) / (soft * S)
        t = (v(.5 - edge / soft) + v(ac) * (XX - c) + v(dn) * (YY - c)).clamp(0, 1)
        x = torch.where(v(m), x * (1 - v(dark) * t * t * (3 - 2 * t)), x)
    if o.get('motionBlur'):
        m = s.next() < o['motionBlur']
        a = math.pi * s.next(m)
        length = (.04 + .1 * s.next(m)) * S
        i = m.nonzero()[:, 0]
        if len(i):
            p, total = x[i], 0
            for tap in range(7):
                d = (tap / 6 - .5) * length[i]
                total = total + sample_at(p, (XX + v(d * torch.cos(a[i]))).clamp(0, S - 1), (YY + v(d * torch.sin(a[i]))).clamp(0, S - 1))
            x = x.index_copy(0, i, total / 7)
    m = s.next() < o['degrade']
    x = degrade(x, s, m)
    if o.get('degradeAgain'):
        m2 = (s.next(m) < o['degradeAgain']) & m
        x = degrade(x, s, m2)
    return x


def rows_to_one(w):
    return w / w.sum(-1, keepdim=True)


def triangle(a, b):
    ratio = a / b
    reach = max(ratio, 1)
    i = torch.arange(b, device=dev, dtype=torch.float64)[:, None]
    k = torch.arange(a, device=dev, dtype=torch.float64)[None]
    return rows_to_one((1 - (k + .5 - (i + .5) * ratio).abs() / reach).clamp(min=0)).float()


THROUGH = torch.stack([triangle(m, S) @ triangle(S, m) if m else torch.zeros(S, S, device=dev) for m in range(S + 1)])
_i = torch.arange(64, device=dev)
COS = (torch.where(_i // 8 == 0, math.sqrt(1 / 8), .5) * torch.cos((2 * (_i & 7) + 1) * (_i // 8) * math.pi / 16)).reshape(8, 8)
LUMA = torch.tensor([16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
                     14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
                     49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99], device=dev).float()


def degrade(x, s, m):
    kind = torch.floor(4 * s.next(m))
    st = s.next(m)
    out = x.clone()
    D2 = (torch.arange(S, device=dev)[:, None] - torch.arange(S, device=dev)[None]) ** 2
    i = (m & (kind == 0)).nonzero()[:, 0]
    if len(i):
        w = rows_to_one(torch.exp(-D2[None] / (2 * v(.4 + 1.2 * st[i]) ** 2)))
        out[i] = w @ x[i] @ w.transpose(1, 2)
    i = (m & (kind == 1)).nonzero()[:, 0]
    if len(i):
        out[i] = x[i] + (255 * v(.01 + .07 * st[i])) * s.normal(i, S * S).reshape(-1, S, S)
    i = (m & (kind == 2)).nonzero()[:, 0]
    if len(i):
        q = 60 - 50 * st[i]
        scale = torch.where(q < 50, 5000 / q, 200 - 2 * q)
        steps = torch.floor((LUMA[None] * scale[:, None] + 50) / 100).clamp(1, 255).reshape(-1, 1, 1, 8, 8)
        b = (x[i] - 128).reshape(-1, 6, 8, 6, 8).permute(0, 1, 3, 2, 4)
        b = COS @ b @ COS.T
        b = torch.floor(b / steps + .5) * steps
        b = COS.T @ b @ COS
        out[i] = b.permute(0, 1, 3, 2, 4).reshape(-1, S, S) + 128
    i = (m & (kind == 3)).nonzero()[:, 0]
    if len(i):
        small = torch.floor(S * (.9 - .55 * st[i]) + .5).clamp(min=1).long()
        w = THROUGH[small]
        out[i] = w @ x[i] @ w.transpose(1, 2)
    return out


def gauss(size, radius, decay):
    d = (torch.arange(size)[:, None] - torch.arange(size)[None]).abs()
    w = torch.where(d <= radius, torch.tensor(decay, dtype=torch.float64) ** (d * d).double(), torch.tensor(0., dtype=torch.float64))
    return rows_to_one(w).float().to(dev)


G32 = gauss(32, 12, 0.9692332344763441)
G48 = gauss(48, 18, 0.9692332344763441 ** (16 / 36))


def local_contrast(x, G):
    x = (x - x[:, :1, :1]) / 255
    x = x - G @ x @ G.T
    d = torch.sqrt((G @ (x * x) @ G.T).clamp(min=0))
    return x / torch.maximum(d, (d.mean((1, 2), keepdim=True) / 2).clamp(min=1e-4))


R32 = {size: triangle(size, 32) for size in (48, 64)}
R48 = triangle(64, 48)


def student_input(x):
    r = R32[x.shape[-1]]
    return local_contrast(r @ x @ r.T, G32)


def teacher_input(x):
    if x.shape[-1] == 64:
        x = R48 @ x @ R48.T
    mean = x.mean((1, 2), keepdim=True)
    sd = x.std((1, 2), keepdim=True).clamp(min=1)
    y = torch.stack([(x - mean) / sd, local_contrast(x, G48)], 1)
    return y.clamp(-8, 8)


class Conv(nn.Sequential):
    def __init__(self, a, b):
        super().__init__(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.SiLU(inplace=True))


class Res(nn.Module):
    def __init__(self, w, n):
        super().__init__()
        self.body = nn.Sequential(*[Conv(w, w) for _ in range(n)])

    def forward(self, x):
        return x + self.body(x)


class Teacher(nn.Module):
    def __init__(self, w, drop):
        super().__init__()
        pool = lambda: nn.MaxPool2d(2)
        self.body = nn.Sequential(Conv(2, w), Conv(w, 2 * w), pool(), Res(2 * w, 2), Conv(2 * w, 4 * w), pool(), Res(4 * w, 2),
                                  Conv(4 * w, 8 * w), pool(), Res(8 * w, 2))
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(16 * w, 8 + 7 + 5)

    def forward(self, x):
        x = self.body(x)
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return self.head(self.drop(x)).float()


def amp():
    return torch.autocast('cuda', torch.bfloat16)


def ce(logits, target):
    return -(target * F.log_softmax(logits, 1)).sum(1)


class Graph:
    """A step captured as a CUDA graph: hundreds of small kernels are launched at once."""

    def __init__(self, step):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.synchronize()
        torch._C._cuda_clearCublasWorkspaces()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=side):
            step()
        torch.cuda.synchronize()
        torch._C._cuda_clearCublasWorkspaces()
        self.replay = self.graph.replay


def train_teacher(D, seed, budget, w, drop, mixup, aug):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Teacher(w, drop).to(dev).to(memory_format=torch.channels_last)
    ema = Teacher(w, drop).to(dev).to(memory_format=torch.channels_last)
    ema.load_state_dict(net.state_dict())
    kernels = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    lr = torch.zeros((), device=dev)
    opt = torch.optim.AdamW([{'params': kernels, 'weight_decay': .08, 'lr': lr}, {'params': rest, 'weight_decay': 0, 'lr': lr}],
                            **FOR_GRAPHS)
    n, B = len(D['x']), 256
    steps = n // B
    src = [t for t in net.state_dict().values() if t.is_floating_point()]
    dst = [t for t in ema.state_dict().values() if t.is_floating_point()]
    t0 = time.time()
    z = torch.empty(n, 2, S, S, dtype=torch.bfloat16, device=dev).contiguous(memory_format=torch.channels_last)
    order, other = (torch.zeros(steps * B, dtype=torch.int64, device=dev) for _ in range(2))
    share = torch.ones(steps, device=dev)
    rates = torch.zeros(200000, device=dev)
    t = torch.zeros(1, dtype=torch.int64, device=dev)
    total = torch.zeros((), device=dev)
    ar = torch.arange(B, device=dev)

    @torch.no_grad()
    def new_epoch():
        """Every face in a new view, all at once."""
        for i in torch.arange(n, device=dev).split(8192):
            z[i] = teacher_input(augment(D['x'][i].float(), Loose(len(i)), AUG[aug])).bfloat16()
        order.copy_(torch.randperm(n, device=dev)[:len(order)])
        other.copy_(torch.randperm(n, device=dev)[:len(order)])
        if mixup:
            lam = rng.beta(.3, .3, steps)
            share.copy_(torch.from_numpy(np.maximum(lam, 1 - lam)).float())
        total.zero_()

    def step():
        with torch.no_grad():
            at = (t % steps) * B + ar
            i, j, lam = order[at], other[at], share[t % steps]
            x = z[i]
            tv, to, tp, wv, wo, wp = (D[k][i] for k in ('tv', 'to', 'tp', 'wv', 'wo', 'wp'))
            if mixup:
                x = lam * x.float() + (1 - lam) * z[j].float()
                # heads learn from pairs that both have the label
                wv, wo, wp = wv * D['wv'][j], wo * D['wo'][j], wp * D['wp'][j]
                tv, to, tp = (lam * a + (1 - lam) * D[k][j] for a, k in ((tv, 'tv'), (to, 'to'), (tp, 'tp')))
            x = x.bfloat16().contiguous(memory_format=torch.channels_last)
            lr.copy_(rates[t][0])
        opt.zero_grad(set_to_none=False)
        with torch.autocast('cuda', torch.bfloat16, cache_enabled=False):
            y = net(x)
        loss = (wv * ce(y[:, :8], tv)).sum() / B + .4 * (wo * ce(y[:, 8:15], to)).sum() / B + (wp * ce(y[:, 15:], tp)).sum() / B
        loss.backward()
        opt.step()
        with torch.no_grad():
            total.add_(loss.detach())
            away = 1 - ((1. + t) / (10. + t)).clamp(max=.999)
            for a, b in zip(dst, src):
                a.lerp_(b, away)
            t.add_(1)

    new_epoch()
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    graph = Graph(step)
    torch.cuda.synchronize()
    at = time.time()
    new_epoch()
    torch.cuda.synchronize()
    views = time.time() - at
    at = time.time()
    for _ in range(20):
        graph.replay()
    torch.cuda.synchronize()
    an_epoch = views + (time.time() - at) / 20 * steps
    epochs = max(1, int((budget - (time.time() - t0)) / an_epoch))
    p = torch.arange(steps * epochs, device=dev) / (steps * epochs)
    rates[:len(p)] = 1.2e-3 * (torch.arange(len(p), device=dev) / 200).clamp(max=1) * .5 * (1 + torch.cos(math.pi * p))
    t.zero_()
    for epoch in range(1, epochs + 1):
        new_epoch()
        for _ in range(steps):
            graph.replay()
        if epoch in (1, 5) or epoch % 10 == 0:
            say(f'teacher {seed} epoch {epoch} of {epochs} loss {total.item() / steps:.4f} {time.time() - t0:.1f} s')
    torch.cuda.synchronize()
    say(f'teacher {seed}: {epochs} epochs, {views:.2f} s of {an_epoch:.2f} for the views')
    ema.eval()
    return ema


@torch.no_grad()
def heads(nets, x, flip=True):
    """Probabilities of the three heads over the five classes, [n,3,5], averaged over nets."""
    out = []
    for part in x.split(8192):
        z = teacher_input(part.float()).contiguous(memory_format=torch.channels_last)
        total = 0
        for net in nets:
            for f in ((False, True) if flip else (False,)):
                with amp():
                    y = net(z.flip(3) if f else z)
                p = torch.stack([F.softmax(y[:, 0:5], 1), F.softmax(y[:, 8:13], 1), F.softmax(y[:, 15:20], 1)], 1)
                total = total + p
        out.append(total / total.sum(2, keepdim=True))
    return torch.cat(out)


def combine(p, w=(2, 1, 1)):
    """Weighted geometric mean of the heads, [.., 3, 5] to probabilities [.., 5]."""
    lp = torch.log(p.clamp(min=1e-4))
    return F.softmax(sum(w[h] * lp[..., h, :] for h in range(3)) / sum(w), -1)


class Student:
    """One training of the exact network; a whole step is one CUDA graph."""
    SHAPES = [(32, 1, 3, 3), (32,), (32, 32, 3, 3), (32,), (256, 2048), (256,), (5, 256), (5,)]
    FANS = [(9, 288), None, (288, 288), None, (2048, 256), None, (256, 5), None]

    def __init__(self, bank, labels, views, seconds, seed=1, lr=3e-3, wd=.1, ema=.9995, batch=128):
        self.bank, self.labels, self.views, self.batch = bank, labels, views, batch
        g = torch.Generator().manual_seed(seed)
        vals, decay = [], []
        for s, f in zip(self.SHAPES, self.FANS):
            lim = math.sqrt(6 / sum(f)) if f else 0
            t = (torch.rand(s, generator=g) * 2 - 1) * lim
            vals.append(t.flatten())
            decay.append(torch.full((t.numel(),), 1. if f else 0.))
        self.flat = torch.cat(vals).to(dev)
        self.decay = torch.cat(decay).to(dev) * wd
        self.params, at = [], 0
        for s in self.SHAPES:
            k = int(np.prod(s))
            self.params.append(self.flat[at:at + k].view(s).detach().requires_grad_())
            at += k
        self.m, self.s2, self.avg = torch.zeros_like(self.flat), torch.zeros_like(self.flat), self.flat.clone()
        self.K, self.n, self.steps = len(views), len(labels), len(labels) // batch
        size = 2000 * self.steps
        self.lr, self.d = torch.zeros(size, device=dev), torch.zeros(size, device=dev)
        self.t = torch.zeros(1, dtype=torch.int64, device=dev)
        self.v = torch.zeros(1, dtype=torch.int64, device=dev)
        self.order = torch.zeros(self.steps * batch, dtype=torch.int64, device=dev)
        self.ar = torch.arange(batch, device=dev)
        self.gen = torch.Generator(device=dev).manual_seed(seed + 77)
        self.e = 0
        began = time.time()
        self.begin()
        self.epoch_begin()
        at = time.time()
        for _ in range(200):
            self.graph.replay()
        torch.cuda.synchronize()
        an_epoch = (time.time() - at) / 200 * self.steps
        self.restart()
        self.epochs = min(2000, int((seconds - (time.time() - began)) / an_epoch))
        p = torch.arange(self.steps * self.epochs, dtype=torch.float64, device=dev)
        warm = .02
        share = p / len(p)
        rates = torch.where(share < warm, share / warm, .5 * (1 + torch.cos(math.pi * (share - warm) / (1 - warm))))
        self.lr[:len(p)] = (lr * rates).float()
        self.d[:len(p)] = torch.minimum(torch.tensor(ema, dtype=torch.float64), (2 + p) / (11 + p)).float()

    def train(self):
        while self.e < self.epochs:
            self.epoch_begin()
            for _ in range(self.steps):
                self.graph.replay()
            torch.cuda.synchronize()
        return self

    def forward(self, x, P):
        h = F.max_pool2d(F.relu(F.conv2d(x, P[0], P[1], padding=1)), 2)
        h = F.max_pool2d(F.relu(F.conv2d(h, P[2], P[3], padding=1)), 2)
        return F.linear(F.relu(F.linear(h.flatten(1), P[4], P[5])), P[6], P[7])

    def step(self):
        i = self.order[(self.t % self.steps) * self.batch + self.ar]
        x = self.bank[self.v, i].float()[:, None]
        y = self.labels[i, self.v].float()
        loss = ce(self.forward(x, self.params), y).mean()
        g = torch.cat([q.flatten() for q in torch.autograd.grad(loss, self.params)])
        with torch.no_grad():
            lr, d, now = self.lr[self.t], self.d[self.t], self.t + 1.
            ms, ss = 1 / (1 - .9 ** now), 1 / (1 - .999 ** now)
            self.m.mul_(.9).add_(g, alpha=.1)
            self.s2.mul_(.999).addcmul_(g, g, value=.001)
            self.flat.sub_(lr * ((self.m * ms) / ((self.s2 * ss).sqrt() + 1e-7) + self.decay * self.flat))
            self.avg.mul_(d).add_(self.flat * (1 - d))
            self.t.add_(1)

    def begin(self):
        torch.cuda.synchronize()
        self.kept = self.flat.clone()
        self.order.copy_(torch.arange(len(self.order), device=dev) % self.n)
        self.graph = Graph(self.step)
        self.restart()

    def restart(self):
        self.flat.copy_(self.kept)
        self.avg.copy_(self.kept)
        self.m.zero_()
        self.s2.zero_()
        self.t.zero_()
        self.e = 0
        torch.cuda.synchronize()

    def epoch_begin(self):
        self.order.copy_(torch.randperm(self.n, device=dev, generator=self.gen)[:len(self.order)])
        if self.e % self.K == 0:
            self.turn = torch.randperm(self.K, device=dev, generator=self.gen)
        self.v.copy_(self.views[self.turn[self.e % self.K]][None])
        self.e += 1

    @torch.no_grad()
    def predict(self, x, flat=None):
        flat = self.avg if flat is None else flat
        P, at = [], 0
        for s in self.SHAPES:
            k = int(np.prod(s))
            P.append(flat[at:at + k].view(s))
            at += k
        return F.log_softmax(self.forward(x[:, None], P), 1)


def recalls(got, truth):
    return np.mean([(got[truth == c] == c).mean() for c in range(5)]), (got == truth).mean()


def main():
    images, meta = load()
    x = images['train']
    n = len(x)
    truth = {k: np.array([m['label'] for m in meta[k]]) for k in SETS}
    label = torch.tensor([m['label'] for m in meta['train']], device=dev)
    votes = torch.tensor([m['votes'][:8] if m['votes'] else [0] * 8 for m in meta['train']], device=dev).float()
    original = torch.tensor([m['original'] for m in meta['train']], device=dev)
    D = {
        'x': x,
        'tv': votes / votes.sum(1, keepdim=True).clamp(min=1),
        'wv': (votes.sum(1) > 0).float(),
        'to': .95 * F.one_hot(original.clamp(min=0), 7).float() + .05 / 7,
        'wo': (original >= 0).float(),
        'tp': .9 * F.one_hot(label, 5).float() + .1 / 5,
        'wp': torch.tensor([m['photo'] for m in meta['train']], device=dev).float(),
    }
    nets = [train_teacher(D, seed, SECONDS_A_TEACHER, 64, .2, mixup, aug)
            for seed, mixup, aug in ((1, False, 'A'), (2, True, 'A'), (3, False, 'B'), (4, True, 'B'))]
    for k in SETS:
        got = combine(heads(nets, images[k])).argmax(1).cpu().numpy()
        say('teacher', k, 'macro recall %.3f, accuracy %.3f' % recalls(got, truth[k]))

    every = VIEWS + sum(MORE.values())
    bank = torch.empty(every, n, 32, 32, dtype=torch.float16, device=dev)
    labels = torch.empty(n, every, 5, dtype=torch.float16, device=dev)
    codes = torch.empty(n, VIEWS, 5, dtype=torch.uint8, device=dev)
    with torch.no_grad():
        for views in torch.arange(VIEWS, device=dev).split(4):
            i = torch.arange(n, device=dev).repeat(len(views))
            view = views.repeat_interleave(n)
            seen = augment(x[i].float(), Exact(len(i), SEED, 5, i, view), AUG['A'])
            bank[view, i] = student_input(seen).half()
            said = combine(heads(nets, seen, flip=False))
            labels[i, view] = said.half()
            codes[i, view] = torch.floor(LEVELS * said.sqrt() + .5).to(torch.uint8)
        at = VIEWS
        for aug, count in MORE.items():
            for k in range(count):
                seen = augment(x.float(), Loose(n), AUG[aug])
                bank[at] = student_input(seen).half()
                # Two of the four, in turns: half of the time.
                labels[:, at] = combine(heads([nets[k % 2], nets[2 + k // 2 % 2]], seen, flip=False)).half()
                at += 1
    open('weights/teacher.bin', 'wb').write(brotli.compress(codes.cpu().numpy().tobytes(), quality=11, lgwin=24))

    student = Student(bank, labels, torch.arange(every, device=dev), SECONDS_A_STUDENT, batch=512, lr=4e-3).train()
    say(f'student: {student.epochs} epochs')
    for k in SETS:
        got = student.predict(student_input(images[k].float())).argmax(1).cpu().numpy()
        say('student', k, 'macro recall %.3f, accuracy %.3f' % recalls(got, truth[k]))
    # TF.js has kernels as [height, width, in, out], and flattens [height, width, channels].
    flat, parts, at = student.avg.cpu().numpy(), [], 0
    for shape in Student.SHAPES:
        k = int(np.prod(shape))
        w = flat[at:at + k].reshape(shape)
        at += k
        if len(shape) == 4:
            w = w.transpose(2, 3, 1, 0)
        elif shape == (256, 2048):
            w = w.reshape(256, 32, 8, 8).transpose(2, 3, 1, 0)
        elif len(shape) == 2:
            w = w.T
        parts.append(w.ravel())
    np.concatenate(parts).astype('<f2').tofile('weights/start.bin')


main()
