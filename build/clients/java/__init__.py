"""Clients in Java: a Maven project for Java 11 and newer."""

from onnxtwin.build.clients.java.project import native_texts

__all__ = ["native_texts"]
