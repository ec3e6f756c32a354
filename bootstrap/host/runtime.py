"""Makes sure that Ansible and Helm are on the bootstrap host. Python's standard library only.

    runtime.py [FOLDER]    prints one line of JSON: what was found or installed, and what to put before PATH

What stands on PATH in a right version is used as it is. What is missing is installed into a folder of its own, named
after the digest of the pins beside this file, once for all runs: from FOLDER, which a bundle for hosts without internet
brings, or else from the package index and from Helm's makers.
"""

import fcntl
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

PINS = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.join(os.path.expanduser("~"), ".slipway")
MINIMUM = {"ansible_core": (2, 19), "kubernetes_core": (6, 2), "kubernetes": (24, 2), "boto3": (1, 26)}
DOWNLOAD_TIMEOUT_S = 60
# Compiling all collections of Ansible takes longer than installing them, and a run uses a few: those compile as they are used.
INSTALL = ["install", "--quiet", "--no-input", "--no-compile", "--disable-pip-version-check"]


class Lacking(Exception):
    """Something is missing and cannot be installed."""

    def __init__(self, code, cause, advice):
        super().__init__(cause)
        self.answer = {"event": "lacking", "code": code, "cause": cause, "advice": advice}


def main():
    os.umask(0o077)
    os.makedirs(HOME, exist_ok=True)
    brought = sys.argv[1] if len(sys.argv) > 1 else None
    try:
        with open(os.path.join(HOME, "runtime.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            program, versions, path = ansible(brought)
            helm, helm_path = helm_program(brought)
    except Lacking as lacking:
        print(json.dumps(lacking.answer))
        return 1
    versions = dict(versions, helm=helm)
    print(json.dumps({"event": "ready", "ansible": program, "path": path + helm_path, "versions": versions}))
    return 0


# --- Ansible ----------------------------------------------------------------------------------------------------------


def ansible(brought):
    """The program, the versions of its parts, and what to put before PATH."""
    program = shutil.which("ansible-playbook")
    versions = versions_of(program) if program else {}
    if fits(versions):
        return program, versions, []
    requirements = os.path.join(PINS, "requirements.txt")
    with open(requirements, "rb") as pins:
        folder = os.path.join(HOME, "runtime-" + hashlib.sha256(pins.read()).hexdigest()[:16])
    binaries = os.path.join(folder, "bin")
    if not os.path.exists(os.path.join(folder, "complete")):
        install_ansible(folder, requirements, brought)
    program = os.path.join(binaries, "ansible-playbook")
    versions = versions_of(program)
    if not fits(versions):
        raise Lacking(
            "SLW-331",
            "what was installed into %s does not fit: found %s" % (folder, json.dumps(versions)),
            "Remove that folder on the host and run again; if it stays, the pins in requirements.txt are wrong.",
        )
    return program, versions, [binaries]


def fits(versions):
    return all(numbers(versions.get(name)) >= least for name, least in MINIMUM.items())


def numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", version or "0")[:3])


def versions_of(program):
    """Asked from the interpreter that runs the program, because its packages are the ones that count."""
    interpreter = interpreter_of(program)
    if interpreter is None:
        return {}
    look = (
        "import importlib.metadata as m, json, sysconfig, os\n"
        "def of(name):\n"
        "    try: return m.version(name)\n"
        "    except m.PackageNotFoundError: return None\n"
        "print(json.dumps([of('ansible-core'), of('kubernetes'), of('boto3'), sysconfig.get_paths()['purelib']]))\n"
    )
    try:
        core, kubernetes, boto3, packages = json.loads(subprocess.check_output([interpreter, "-c", look], timeout=60))
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    versions = {"ansible_core": core, "kubernetes": kubernetes, "boto3": boto3}
    return dict(versions, kubernetes_core=collection_version(packages))


def interpreter_of(program):
    with open(program, "rb") as script:
        first = script.readline(512)
    found = re.match(rb"#!\s*(\S*python[\d.]*)\s*$", first)
    if found:
        return found.group(1).decode()
    # A wrapper of some kind: Ansible itself says which Python it runs on.
    try:
        said = subprocess.check_output([program, "--version"], timeout=60, text=True)
    except (OSError, subprocess.SubprocessError):
        return None
    named = re.search(r"python version = .*\((/[^)]+)\)\s*$", said, re.MULTILINE)
    return named.group(1) if named else None


def collection_version(packages):
    for manifest in glob.glob(os.path.join(packages, "ansible_collections", "kubernetes", "core", "MANIFEST.json")):
        with open(manifest, encoding="utf-8") as text:
            return json.load(text)["collection_info"]["version"]
    return None


def install_ansible(folder, requirements, brought):
    shutil.rmtree(folder, ignore_errors=True)
    if brought:
        install_wheels(folder, requirements, os.path.join(brought, "wheels"))
    else:
        install_from_index(folder, requirements)
    with open(os.path.join(folder, "complete"), "w", encoding="utf-8"):
        pass


def install_wheels(folder, requirements, wheels):
    """With the pip that came along: the host's Python may have none, and needs none to make an environment without."""
    done = execute([sys.executable, "-m", "venv", "--without-pip", folder])
    if done.returncode == 0:
        pip = os.path.join(next(iter(glob.glob(os.path.join(wheels, "pip-*.whl"))), wheels), "pip")
        source = ["--no-index", "--find-links", wheels, "--no-deps", "-r", requirements]
        done = execute([os.path.join(folder, "bin", "python"), pip] + INSTALL + source)
    if done.returncode != 0:
        raise Lacking(
            "SLW-331",
            "Ansible cannot be installed on the host from the bundle's wheels: " + last_lines(done),
            "The wheels must be for the host's Python, which is %d.%d, and for Linux on x86-64: make the bundle again with "
            "--python %d.%d." % (sys.version_info[:2] * 2),
        )


def install_from_index(folder, requirements):
    make_venv(folder)
    done = execute([os.path.join(folder, "bin", "python"), "-m", "pip"] + INSTALL + ["-r", requirements])
    if done.returncode != 0:
        raise Lacking(
            "SLW-331",
            "Ansible cannot be installed on the host: " + last_lines(done),
            "The host must reach a Python package index (PIP_INDEX_URL and pip.conf are honoured), or have "
            "ansible-core >= 2.19 with kubernetes.core >= 6.2 and the Python packages kubernetes and boto3 on its PATH, or be "
            "given a bundle that brings them (slipway-bootstrap bundle).",
        )


def make_venv(folder):
    done = execute([sys.executable, "-m", "venv", folder])
    if done.returncode != 0 and os.getuid() == 0 and shutil.which("apt-get"):
        # Debian keeps ensurepip in a package of its own.
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        execute(["apt-get", "update", "-qq"], environment)
        execute(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv"], environment)
        shutil.rmtree(folder, ignore_errors=True)
        done = execute([sys.executable, "-m", "venv", folder])
    if done.returncode != 0:
        raise Lacking(
            "SLW-331",
            "a virtual environment for Ansible cannot be made on the host: " + last_lines(done),
            "Install the package python3-venv on the host.",
        )


# --- Helm -------------------------------------------------------------------------------------------------------------


def helm_program(brought):
    """The version of Helm and what to put before PATH."""
    version = helm_version(shutil.which("helm"))
    if version and numbers(version)[0] == 3:
        return version, []
    if brought:
        return helm_brought(os.path.join(brought, "helm"))
    with open(os.path.join(PINS, "helm.json"), encoding="utf-8") as text:
        pin = json.load(text)
    folder = os.path.join(HOME, "helm-" + pin["version"])
    if helm_version(os.path.join(folder, "helm")) is None:
        install_helm(folder, pin, found=version)
    return pin["version"], [folder]


def helm_brought(program):
    """Helm as the bundle has it. Its files are not executable, so it is placed as one that was fetched would be."""
    with open(program, "rb") as binary:
        contents = binary.read()
    folder = os.path.join(HOME, "helm-" + hashlib.sha256(contents).hexdigest()[:16])
    placed = os.path.join(folder, "helm")
    if helm_version(placed) is None:
        place_binary(folder, contents)
    version = helm_version(placed)
    if version is None:
        raise Lacking(
            "SLW-332",
            "the Helm of the bundle does not start on the host",
            "Make the bundle on Linux of the host's kind, or put a Helm 3 binary on the host's PATH.",
        )
    return version, [folder]


def helm_version(program):
    if not program or not os.path.exists(program):
        return None
    try:
        said = subprocess.check_output([program, "version", "--template", "{{.Version}}"], timeout=60, text=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.strip().lstrip("v") or None


def install_helm(folder, pin, found):
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    url = pin["url"].format(version=pin["version"], arch=arch)
    try:
        archive = download(url)
        expected = download(url + ".sha256sum").split()[0].decode()
        if hashlib.sha256(archive).hexdigest() != expected:
            raise ValueError("its SHA-256 is not the published one")
        place_helm(folder, archive)
    except (OSError, ValueError, IndexError, StopIteration, tarfile.TarError) as error:
        raise Lacking(
            "SLW-332",
            "Helm 3 is not on the host (found: %s) and %s cannot be used: %s" % (found or "none", url, error),
            "Put a Helm 3 binary on the host's PATH, or let the host reach that address.",
        ) from error


def download(url):
    with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as answer:
        return answer.read()


def place_helm(folder, archive):
    with tempfile.TemporaryFile() as packed:
        packed.write(archive)
        packed.seek(0)
        with tarfile.open(fileobj=packed, mode="r:gz") as tar:
            member = next(entry for entry in tar if entry.isfile() and os.path.basename(entry.name) == "helm")
            binary = tar.extractfile(member).read()
    place_binary(folder, binary)


def place_binary(folder, binary):
    os.makedirs(folder, exist_ok=True)
    fresh = os.path.join(folder, "helm.new")
    with open(fresh, "wb") as out:
        out.write(binary)
    os.chmod(fresh, 0o700)
    os.rename(fresh, os.path.join(folder, "helm"))


def execute(command, environment=None):
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def last_lines(done):
    """What the program said last, without what it tried again."""
    lines = [line for line in done.stdout.strip().splitlines() if not line.startswith("WARNING: Retrying")]
    return " | ".join(lines[-5:]) or "exit status %d" % done.returncode


if __name__ == "__main__":
    sys.exit(main())
