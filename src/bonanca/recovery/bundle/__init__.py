"""What lies inside an envelope when it is more than one stream: a tar, compressed by zstd, that any tar opens again.

In this order::

    bonanca-files/N            the declared path number N: a folder, or a file
    bonanca-files/N/…          what is in it
    bonanca-files.json         what was taken and what was left out, with the SHA-256 of every file
    …                          what the engine of the database writes; none for a service without one

Files come first, so that they can be brought back without reading a database of many gigabytes.
"""

from bonanca.recovery.bundle.files import MANIFEST, FilesReader, FilesTaken, add_files, files_needed
from bonanca.recovery.bundle.members import BundleWriter, Parts, each_member, members_of

__all__ = [
    "MANIFEST",
    "BundleWriter",
    "FilesReader",
    "FilesTaken",
    "Parts",
    "add_files",
    "each_member",
    "files_needed",
    "members_of",
]
