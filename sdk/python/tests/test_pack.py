import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from .helper import optional

optional("setuptools", "wheel")

HERE = pathlib.Path(__file__).resolve().parents[1]

PROGRAM = """
import latchkey, latchkey.fastapi, pathlib
try:
    latchkey.Verifier("https://auth.example.com", "https://api.example.com").authenticate("Bearer x")
except latchkey.Unauthenticated:
    print(pathlib.Path(latchkey.__file__).parent)
"""


class PackTest(unittest.TestCase):
    def test_packed(self):
        """What pip installs from the source distribution works in an empty folder."""
        with tempfile.TemporaryDirectory() as folder:
            source, out, installed = (pathlib.Path(folder, name) for name in ("source", "out", "installed"))
            shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist"))
            env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

            def run(*command, cwd):
                done = subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                return done.stdout

            build = "import sys, setuptools.build_meta as b; print(b.build_sdist(sys.argv[1]))"
            name = run("-c", build, str(out), cwd=source).strip().splitlines()[-1]
            self.assertEqual(name, "latchkey-0.1.0.tar.gz")
            # Without the network: what it depends on is on the machine.
            run("-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target", str(installed), str(out / name), cwd=folder)
            self.assertTrue((installed / "latchkey" / "py.typed").exists())
            env["PYTHONPATH"] = str(installed)
            self.assertEqual(run("-c", PROGRAM, cwd=folder).strip(), str(installed / "latchkey"))
