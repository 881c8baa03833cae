from __future__ import annotations

from django.db import models


class Library(models.Model):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Author(models.Model):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    title = models.CharField(max_length=50)
    pages = models.IntegerField(null=True)
    library = models.ForeignKey(Library, on_delete=models.SET_NULL, null=True, related_name="books")
    authors: models.ManyToManyField = models.ManyToManyField(Author, related_name="books")

    def __str__(self) -> str:
        return self.title
