import importlib.util
import json
import sys


def has(name):
    try:
        return importlib.util.find_spec(name) is not None
    except Exception:
        return False


def version(name):
    try:
        from importlib import metadata

        return metadata.version(name)
    except Exception:
        return None


facts = {
    "version": ".".join(str(part) for part in sys.version_info[:3]),
    "executable": sys.executable or "",
    "prefix": sys.prefix,
    "flash_attention": has("flash_attn"),
    "packages": {},
}
for name in ("numpy", "jax", "tensorflow"):
    if version(name):
        facts["packages"][name] = version(name)
if has("torch"):
    try:
        import torch

        seen = {
            "version": str(torch.__version__),
            "has_cuda": bool(torch.cuda.is_available()),
            "built_for": torch.version.cuda or getattr(torch.version, "hip", None),
            "accelerators": [],
            "has_mps": False,
            "can_compile": hasattr(torch, "compile"),
        }
        if seen["has_cuda"]:
            for index in range(torch.cuda.device_count()):
                card = torch.cuda.get_device_properties(index)
                seen["accelerators"].append({"name": card.name, "memory": card.total_memory})
        mps = getattr(torch.backends, "mps", None)
        seen["has_mps"] = bool(mps and mps.is_available())
        facts["torch"] = seen
    except BaseException as error:
        facts["torch_error"] = "{}: {}".format(type(error).__name__, error)[:300]
print("\nautoresearch-probe " + json.dumps(facts))
