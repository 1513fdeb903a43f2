import json
import os
import sys
import sysconfig

version = "%d.%d.%d" % sys.version_info[:3]
if sys.version_info[3] != "final":
    version += {"alpha": "a", "beta": "b", "candidate": "rc"}[sys.version_info[3]] + str(sys.version_info[4])
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
except (AttributeError, ValueError, OSError):
    libc = None
print(
    json.dumps(
        {
            "implementation": sys.implementation.name,
            "version": version,
            "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
            "base_prefix": sys.base_prefix,
            "platform": sysconfig.get_platform(),
            "libc": libc,
            "threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        }
    )
)
