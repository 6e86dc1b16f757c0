"""The C# client: a solution with a library for .NET Standard 2.0 and .NET 8, and its tests."""
