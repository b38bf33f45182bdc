"""The built-in kinds of data, registered under ``zoo.data`` as anybody else's would be."""

from zoo.data.records import Annotation, Attributes, Clip, Data, Fields, Image, Records, Split, check_split

__all__ = ["Annotation", "Attributes", "Clip", "Data", "Fields", "Image", "Records", "Split", "check_split"]
