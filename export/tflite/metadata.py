"""TFLite Metadata: what Android's readers show of a model, and the licence file inside it.

The tables of TensorFlow's metadata_schema.fbs, version 1.0.0, by the numbers of their fields there: the package that
brings generated classes for them (tflite-support) wants a protobuf that nothing else here works with.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import flatbuffers  # type: ignore[import-untyped]

METADATA = "TFLITE_METADATA"
LICENCES = "LICENCES.txt"
"""The name of the licence file inside the model."""
_IDENTIFIER = b"M001"
_PARSER = "1.0.0"
# Of unions and enums in the schema.
_FEATURE, _IMAGE = 1, 2
_RGB = 1
_NORMALIZATION = 1
_DESCRIPTIONS = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file knows: a file must not depend on when it was written."""


def model_metadata(
    metadata: Mapping[str, str], inputs: Sequence[str], outputs: Sequence[str], size: tuple[int, int]
) -> bytes:
    """The flatbuffer for an image of `size` (width, height) in and one map out, each named as its tensor.

    Of `metadata` it has name, description, version, author and license, and what `input` and `output` say of the
    tensors. Mean 0 and deviation 1: pixels are given as they are.
    """
    tables = _Tables()
    image = tables.tensor(inputs[0], metadata.get("input", ""), _IMAGE, tables.image(*size), tables.as_they_are())
    depth = tables.tensor(outputs[0], metadata.get("output", ""), _FEATURE, tables.table({}), None)
    graph = tables.table({2: tables.vector([image]), 3: tables.vector([depth])})
    fields = {slot: tables.text(metadata.get(key, "")) for slot, key in enumerate(("name", "description", "version"))}
    fields |= {3: tables.vector([graph]), 4: tables.text(metadata.get("author", ""))}
    if "license" in metadata:
        file = {0: tables.text(LICENCES), 1: tables.text("Licences of code, weights and data")}
        fields |= {5: tables.text(metadata["license"]), 6: tables.vector([tables.table(file, {2: _DESCRIPTIONS})])}
    return tables.finish(tables.table(fields | {7: tables.text(_PARSER)}))


def attach_licence(model: Path, metadata: Mapping[str, str]) -> None:
    """Append the licence file to a model, as a zip archive behind its flatbuffer, where runtimes do not look."""
    if "license" in metadata:
        with zipfile.ZipFile(model, "a", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(LICENCES, _EPOCH), metadata["license"])


class _Tables:
    """Tables of the schema: each method gives the place of what it wrote."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def text(self, words: str) -> int:
        return self._builder.CreateString(words)

    def vector(self, tables: Sequence[int]) -> int:
        self._builder.StartVector(4, len(tables), 4)
        for table in reversed(tables):
            self._builder.PrependUOffsetTRelative(table)
        return self._builder.EndVector()

    def floats(self, values: Sequence[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return self._builder.EndVector()

    def table(
        self, places: Mapping[int, int], kinds: Mapping[int, int] | None = None, sides: Sequence[int] = ()
    ) -> int:
        """A table of fields by their numbers: places of what was written, kinds (a byte), and sizes from field 0 on."""
        fields = {*places, *(kinds or {})}
        self._builder.StartObject(max(fields, default=len(sides) - 1) + 1)
        for slot, side in enumerate(sides):
            self._builder.PrependUint32Slot(slot, side, 0)
        for slot, place in places.items():
            self._builder.PrependUOffsetTRelativeSlot(slot, place, 0)
        for slot, kind in (kinds or {}).items():
            self._builder.PrependUint8Slot(slot, kind, 0)
        return self._builder.EndObject()

    def image(self, width: int, height: int) -> int:
        """ImageProperties."""
        return self.table({1: self.table({}, sides=(width, height))}, {0: _RGB})

    def as_they_are(self) -> int:
        """The process units of an input that takes pixels as they are."""
        normalization = self.table({0: self.floats([0.0]), 1: self.floats([1.0])})
        return self.vector([self.table({1: normalization}, {0: _NORMALIZATION})])

    def tensor(self, name: str, description: str, kind: int, properties: int, units: int | None) -> int:
        """TensorMetadata; `properties` are those of its kind, image or feature. The range of pixels with an image."""
        content = self.table({1: properties}, {0: kind})
        fields = {0: self.text(name), 1: self.text(description), 3: content}
        if units is not None:
            fields |= {4: units, 5: self.table({0: self.floats([255.0]), 1: self.floats([0.0])})}
        return self.table(fields)

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, _IDENTIFIER)
        return bytes(self._builder.Output())
