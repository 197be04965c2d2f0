"""Devices that torch itself runs on: what is not here is absent or predicted, and never a pass."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import json  # noqa: E402
import types  # noqa: E402

import making  # noqa: E402

from archsweep import registry  # noqa: E402
from archsweep.archs import reference  # noqa: E402
from archsweep.contract import Capabilities, Case, Evidence, Outlook, Status  # noqa: E402
from archsweep.errors import Unsupported  # noqa: E402
from archsweep.platforms import _elsewhere, _operators, _torch, cuda, mps, rocm  # noqa: E402
from archsweep.run import launch, sentinels  # noqa: E402
from archsweep.run.bench import LotBench  # noqa: E402


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, x):
        return {"y": torch.nn.functional.scaled_dot_product_attention(self.layer(x), x, x)}


class Decomposing(torch.nn.Module):
    def forward(self, x):
        return {"y": torch.linalg.eigvals(x).real.double()}


class FakeBench:
    cache = None

    def __init__(self, module, **inputs) -> None:
        self._module, self.inputs = module, inputs
        self.case = making.case()

    def model(self, dtype=None):
        return self._module.to(getattr(torch, dtype or "float32"))


@pytest.mark.parametrize("name", ["cuda", "rocm", "mps"])
def test_a_device_that_is_not_here_says_so(name: str) -> None:
    probe = registry.load("platforms", name).probe()
    if probe.present:
        pytest.skip(f"{name} is here: {probe.device}")
    assert probe.reason
    assert probe.install
    assert probe.versions["torch"]
    assert probe.evidence in (Evidence.NONE, Evidence.PREDICTED)


@pytest.mark.parametrize("platform", [mps, rocm])
def test_a_prediction_is_unexecuted_and_likely_where_every_operator_is_registered(platform) -> None:
    verdict = platform.predict(FakeBench(Small().eval(), x=torch.randn(1, 2, 3, 4)))
    assert verdict.status is Status.UNEXECUTED
    assert verdict.outlook is Outlook.LIKELY
    assert verdict.metrics["operators"] > 1


def test_a_prediction_names_what_blocks() -> None:
    verdict = mps.predict(FakeBench(Decomposing(), x=torch.randn(1, 3, 4, 4)))
    assert verdict.status is Status.UNEXECUTED
    assert verdict.outlook is Outlook.BLOCKED
    assert any("linalg_eig" in name for name in verdict.operators)
    assert "float64" in verdict.message


def test_reached_operators_are_those_of_a_real_run() -> None:
    names = {call.operator for call in _operators.reached(Small().eval(), {"x": torch.randn(1, 2, 3, 4)})}
    assert {"aten.addmm", "aten.t"} <= names or "aten.linear" in names
    assert any("scaled_dot_product" in name for name in names)


def test_random_numbers_of_another_device_are_the_cpu_generators() -> None:
    """Under the mode every draw equals the CPU's of the same seed, whatever device it is asked for."""

    def draws():
        torch.manual_seed(3)
        filled = torch.empty(4).normal_()
        return [
            torch.rand(3),
            torch.randn_like(filled),
            filled,
            torch.bernoulli(torch.full((5,), 0.5)),
            torch.randint(9, (3,)),
        ]

    plain = draws()
    with _torch._drawing()():
        others = draws()
    assert all(torch.equal(one, other) for one, other in zip(plain, others, strict=True))


def test_a_hip_build_is_rocm_and_never_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although such a build calls its devices cuda, and even where one of them computes."""
    monkeypatch.setattr(torch.version, "hip", "6.4.1")
    monkeypatch.setattr(torch.version, "cuda", None)
    for found in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=found: found)
        probe = cuda.probe()
        assert not probe.present
        assert "HIP" in probe.reason and probe.install
    other = rocm.probe()
    assert (other.reason, other.evidence) == ("torch finds no AMD GPU", Evidence.PREDICTED)
    assert "rocminfo" in other.install and other.versions["hip"] == "6.4.1"


@pytest.mark.parametrize("error", [AssertionError(), AssertionError("no driver\nat all"), RuntimeError("\n")])
def test_a_device_that_raises_is_absent_with_the_reason_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse() -> bool:
        raise error

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", refuse)
    probe = cuda.probe()
    assert not probe.present
    assert probe.reason == f"NVIDIA GPU: {'no driver' if str(error).strip() else type(error).__name__}"
    assert "CUDA 13.0" in probe.install and probe.versions["cuda"] == "13.0"


def test_a_device_that_computes_is_present() -> None:
    probe = _torch.probe_accelerator("cpu", "CPU", "another", {"torch": "1"})
    assert probe.present and probe.evidence is Evidence.HARDWARE and probe.versions == {"torch": "1"}


@pytest.mark.parametrize("platform", [cuda, rocm])
def test_float32_is_not_tf32(platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `compile` sets before it needs the device."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "a GPU")
    bench = types.SimpleNamespace(case=making.case(), model=Small)
    try:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        if not torch.cuda.is_available():
            with pytest.raises((AssertionError, RuntimeError)):
                platform.compile(bench)
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def elsewhere(home: str, work, fallback: frozenset[str] = frozenset()) -> list[str]:
    with _elsewhere.recording()(home, fallback) as watch:
        work()
    return list(watch.found)


def test_floating_work_on_another_device_is_seen_and_named() -> None:
    given = torch.ones(2, 2)
    assert elsewhere("meta", lambda: given.softmax(-1) @ given) == ["aten._softmax on cpu", "aten.mm on cpu"]
    assert elsewhere("cpu", lambda: given.softmax(-1) @ given) == []
    assert elsewhere("cpu", lambda: torch.ones(2, device="meta").exp()) == ["aten.exp on meta"]


def test_a_tensor_that_leaves_the_device_is_seen_and_one_that_comes_is_not() -> None:
    given, target = torch.ones(2, 2), torch.empty(2, 2, device="meta")
    assert elsewhere("cpu", lambda: given.to("meta")) == ["aten._to_copy to meta"]
    assert elsewhere("cpu", lambda: target.copy_(given)) == ["aten.copy_ to meta"]
    assert elsewhere("meta", lambda: given.to("meta")) == []
    assert elsewhere("meta", lambda: target.copy_(given)) == []


def test_constants_shapes_and_scalars_elsewhere_are_no_work() -> None:
    def harmless() -> None:
        torch.tensor([1.0, 2.0]).to("meta")
        torch.zeros(3)[1:].fill_(2.0)
        torch.arange(4).cumsum(0).gt(2)
        torch.ones(3, device="meta") * torch.tensor(2.0)
        torch.tensor(3.0).sqrt()

    assert elsewhere("meta", harmless) == []


def test_an_operator_that_the_device_leaves_to_the_cpu_is_seen() -> None:
    """Nothing shows it below dispatch: the registration of the device itself copies there and back."""
    wide = torch.eye(3)
    found = elsewhere("cpu", lambda: torch.linalg.svdvals(wide), mps.DEVICE.fallback | {"_linalg_svd"})
    assert found == ["aten._linalg_svd on cpu: no kernel for cpu"]


class Wandering(torch.nn.Module):
    """Right, but a part of it is computed on the CPU, wherever the module is."""

    def __init__(self, wanders: bool) -> None:
        super().__init__()
        self.layer, self.wanders = torch.nn.Linear(4, 4), wanders

    def forward(self, x):
        scale = (torch.linspace(0, 1, 4).exp() if self.wanders else torch.ones(4)).to(x.device)
        return {"y": self.layer(x) * scale + torch.randn(x.shape, device=x.device)}


@pytest.mark.parametrize("wanders", [True, False])
def test_placement_names_what_a_pass_did_elsewhere_but_for_drawing(wanders: bool) -> None:
    program = _torch.EagerProgram(Wandering(wanders), torch.device("meta"), torch.float32, "nowhere")
    assert not program.placement().readable
    with pytest.raises(NotImplementedError):  # such a device gives no numbers back
        program.run({"x": torch.ones(2, 4)})
    placement = program.placement()
    assert placement.readable
    assert placement.elsewhere == (("aten.exp on cpu",) if wanders else ())


class Lacking(torch.nn.Module):
    def forward(self, x):
        return {"y": torch.unique(x)}


def test_an_operator_that_the_device_has_no_kernel_for_is_a_refusal_that_names_it() -> None:
    program = _torch.EagerProgram(Lacking(), torch.device("meta"), torch.float32, "nowhere")
    with pytest.raises(Unsupported) as caught:
        program.run({"x": torch.ones(2, 4)})
    assert caught.value.operators == ("aten::_unique2",)


class Device:
    """What torch's module of an accelerator offers, as far as it can be waited for and counts."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def synchronize(self) -> None:
        self.told.append("wait")

    def reset_peak_memory_stats(self) -> None:
        self.told.append("reset")

    def max_memory_allocated(self) -> int:
        self.told.append("peak")
        return 3 * 2**20


def test_a_pass_is_timed_between_waits_and_the_first_one_counts_memory() -> None:
    device, metrics = Device(), {}

    def work() -> dict[str, torch.Tensor]:
        device.told.append("work")
        return {}

    _torch.measured(device, metrics, work, first=True)
    assert (device.told, metrics) == (["wait", "reset", "work", "wait", "peak"], {"peak_device_mb": 3.0})
    device.told.clear()
    _torch.measured(device, metrics, work, first=False)
    assert device.told == ["wait", "work", "wait"]
    assert set(metrics) == {"peak_device_mb", "run_s"} and metrics["run_s"] > 0


def sentinel_bench(platform, evidence: Evidence = Evidence.HARDWARE, dtype: str = "float32") -> LotBench:
    case = Case(subject="sentinel/Wrong", platform="cpu", check="forward", dtype=dtype)
    lot = making.lot(subject=sentinels.subject("Wrong"), cases=(case,), evidence=evidence)
    return LotBench(lot, platform, sentinels.source(lot), lambda *told: None)


@pytest.mark.parametrize("evidence", [Evidence.HARDWARE, Evidence.EMULATOR])
def test_seconds_are_told_of_hardware_and_never_of_an_emulation(evidence: Evidence) -> None:
    bench = sentinel_bench(registry.load("platforms", "cpu"), evidence)
    assert bench.measured() == {}
    for _ in range(2):
        bench.program.run(bench.inputs)
    assert set(bench.measured()) == ({"run_s"} if evidence is Evidence.HARDWARE else set())


def test_a_prediction_is_of_the_dtype_of_the_case() -> None:
    half = _operators.Device(key="CPU", limits=(lambda call: "half" if "bfloat16" in call.dtypes else None,))
    platform = types.SimpleNamespace(
        capabilities=Capabilities(dtypes=("float32", "bfloat16")), predict=lambda bench: _operators.predict(bench, half)
    )
    bench = sentinel_bench(platform)
    outlooks = []
    for dtype in ("float32", "bfloat16", "float32"):
        bench.take(Case(subject="sentinel/Wrong", platform="cpu", check="forward", dtype=dtype))
        outlooks.append(bench.predict().outlook)
    assert outlooks == [Outlook.LIKELY, Outlook.BLOCKED, Outlook.LIKELY]


class Wide(torch.nn.Module):
    """Refuses every dtype but one."""

    def forward(self, x):
        if x.dtype != torch.float32:
            raise RuntimeError("not implemented for 'Half'")
        return {"y": x.exp()}


def test_a_prediction_in_a_dtype_that_the_cpu_refuses_knows_less() -> None:
    bench = FakeBench(Wide(), x=torch.ones(2))
    bench.case = making.case(dtype="float16")
    verdict = mps.predict(bench)
    assert verdict.outlook is Outlook.UNKNOWN
    assert "not implemented for 'Half'" in verdict.message


def test_a_table_of_operators_that_is_cut_off_or_cannot_be_kept_costs_no_prediction(tmp_path, monkeypatch) -> None:
    functions = [{"func": "exp(Tensor self) -> Tensor", "dispatch": {"CPU, MPS": "exp"}}]
    monkeypatch.setattr(_operators, "_functions", lambda: functions)
    file = tmp_path / "operators" / f"{torch.__version__}.json"
    whole = _operators.table(tmp_path)
    for text in ("", file.read_text()[:9]):
        file.write_text(text)
        assert _operators.table(tmp_path) == whole == json.loads(file.read_text())
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "operators").write_text("no folder")
    with pytest.warns(UserWarning, match="not kept"):
        assert _operators.table(blocked) == whole


def test_a_reference_that_cannot_be_kept_is_given_all_the_same(tmp_path) -> None:
    (tmp_path / "references").write_text("no folder")
    x = torch.randn(1, 2, 3, 4)
    with pytest.warns(UserWarning, match="reference is not kept"):
        made = reference.obtain(making.subject(), {}, lambda: Small().eval(), {"x": x}, tmp_path)
    assert list(made.outputs) == ["y"]


def test_no_worker_lets_torch_compute_elsewhere_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    assert "PYTORCH_ENABLE_MPS_FALLBACK" not in launch.worker_environment()
