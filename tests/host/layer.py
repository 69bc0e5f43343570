# SPDX-License-Identifier: GPL-2.0-only
# layer.py ARCHIVE DIRECTORY: applies a layer of an OCI image to a copy of what it is a layer above of.
import os
import shutil
import sys
import tarfile
from decimal import Decimal

archive, top = map(os.fsencode, sys.argv[1:])


def clear(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def put(tar, m, path):
    if m.isdir() and os.path.isdir(path) and not os.path.islink(path):
        return
    clear(path)
    if m.isdir():
        os.mkdir(path)
    elif m.isreg():
        with open(path, "wb") as f:
            shutil.copyfileobj(tar.extractfile(m), f)
    elif m.issym():
        os.symlink(os.fsencode(m.linkname), path)
    elif m.islnk():
        os.link(os.path.join(top, os.fsencode(m.linkname)), path)
    elif m.isfifo():
        os.mkfifo(path)
    else:
        kind = 0o020000 if m.ischr() else 0o060000
        os.mknod(path, kind | m.mode, os.makedev(m.devmajor, m.devminor))


def set_attributes(m, path):
    os.lchown(path, m.uid, m.gid)
    if not os.path.islink(path):
        os.chmod(path, m.mode)
    for key, value in m.pax_headers.items():
        if key.startswith("SCHILY.xattr."):
            os.setxattr(path, key[len("SCHILY.xattr."):], os.fsencode(value))
    ns = int(Decimal(m.pax_headers.get("mtime", m.mtime)) * 10**9)
    os.utime(path, ns=(ns, ns), follow_symlinks=False)


with tarfile.open(os.fsdecode(archive)) as tar:
    members = tar.getmembers()
    for m in members:
        path = os.path.join(top, os.fsencode(m.name))
        parent, name = os.path.split(path)
        if name == b".wh..wh..opq":
            for entry in os.listdir(parent):
                clear(os.path.join(parent, entry))
        elif name.startswith(b".wh."):
            clear(os.path.join(parent, name[4:]))
        else:
            put(tar, m, path)
    for m in reversed(members):
        name = os.path.basename(m.name)
        if not name.startswith(".wh."):
            set_attributes(m, os.path.join(top, os.fsencode(m.name)))
