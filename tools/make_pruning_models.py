"""Write the dense starting points of chapter 5: `python tools/make_pruning_models.py`.

Needs the full tier, and about a minute on two cores. The medium leaf network is trained by the code and the seeds of
`make_leaf_models.py`, but kept as it comes out of training, with its batch normalisation, which the ONNX file has
folded away: a chapter that prunes and trains on needs it. Beside them a transformer of two
layers learns eight made-up tasks on messages of made-up words. Weights are stored as float16, by torch's names, in
`datasets/models/pruning/` as `leaf-medium.npz` and `words.npz`; `pruning.json` says what they are.

`--only words` makes one of them and leaves the others as they are.
"""

import argparse
import hashlib
import json
import platform
import random
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from make_leaf_models import SIZE, TEST, TRAIN, WIDTHS, as_input, network, trained  # noqa: E402

from offlinefirst.datasets.leaves import leaves  # noqa: E402

FOLDER = ROOT / "datasets" / "models" / "pruning"


WORDS, TASKS, CLASSES, WIDTH, HEADS, LENGTH = 64, 8, 4, 32, 4, 10
MEANING_SEED, STEPS = 1, 1200


def meanings() -> torch.Tensor:
    """What each word says for each class of each task, drawn; (words, tasks, classes)."""
    return torch.randn(WORDS, TASKS, CLASSES, generator=torch.Generator().manual_seed(MEANING_SEED))


class Block(nn.Module):
    """One layer of the transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(self.before(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.down(nn.functional.relu(self.up(self.between(x))))


class Words(nn.Module):
    """Messages of words (n, length), the first always word 0, to scores (n, tasks * classes)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.blocks = nn.Sequential(Block(), Block())
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, TASKS * CLASSES)

    def forward(self, messages: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.blocks(self.words(messages)))[:, 0])


def words_model() -> tuple[Words, float]:
    """Train on all tasks at once; a message's class is the one that its words together say most for."""
    torch.manual_seed(0)
    model, says, generator = Words(), meanings(), torch.Generator().manual_seed(3)
    optimiser = torch.optim.AdamW(model.parameters(), 4e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, STEPS)

    def draw(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        messages = torch.randint(1, WORDS, (count, LENGTH), generator=generator)
        messages[:, 0] = 0
        return messages, says[messages[:, 1:]].sum(1).argmax(-1)

    for _ in range(STEPS):
        messages, answers = draw(64)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(messages).reshape(-1, CLASSES), answers.flatten()).backward()
        optimiser.step()
        plan.step()
    messages, answers = draw(4000)
    with torch.no_grad():
        right = (model(messages).unflatten(-1, (TASKS, CLASSES)).argmax(-1) == answers).float().mean()
    return model.eval(), float(right)


def as_float16(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """The network's tensors without the counters of batch normalisation."""
    tensors = {name: value.numpy() for name, value in model.state_dict().items()}
    return {name: value.astype(np.float16) for name, value in tensors.items() if not name.endswith("_tracked")}


def leaf_model(name: str) -> tuple[torch.nn.Module, float]:
    """Train one leaf network, and test it as it will be stored."""
    images, labels = leaves(TRAIN[0], seed=TRAIN[1], size=SIZE)
    test, test_labels = leaves(TEST[0], seed=TEST[1], size=SIZE)
    width = WIDTHS[name]
    random.seed(width)
    model = network(width)
    model.load_state_dict(trained(width, images, labels).half().float().state_dict())
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(some) for some in torch.from_numpy(as_input(test)).split(125)]).argmax(1)
    return model, float((answers.numpy() == test_labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("medium", "words"))
    wanted = parser.parse_args().only
    torch.set_num_threads(1)  # as fast for networks this small, and the same on every machine
    torch.use_deterministic_algorithms(True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    card = FOLDER / "pruning.json"
    about = json.loads(card.read_text("utf-8"))["models"] if card.exists() else {}
    for name in ("medium", "words") if wanted is None else (wanted,):
        model, right = words_model() if name == "words" else leaf_model(name)
        path = FOLDER / ("words.npz" if name == "words" else f"leaf-{name}.npz")
        np.savez_compressed(path, **as_float16(model))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        about[path.stem] = {"accuracy": round(right, 4), "bytes": path.stat().st_size, "sha256": digest}
        print(name, about[path.stem], flush=True)
    facts = {"made_with": {"torch": torch.__version__, "machine": platform.machine()}, "models": about}
    card.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
