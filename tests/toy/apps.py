from django.apps import AppConfig


class ToyConfig(AppConfig):
    name = "tests.toy"
    label = "toy"

    def ready(self) -> None:
        from records.object_types import Relation, register
        from tests.toy.models import Author, Book, Library

        register(Library, plural="libraries", relations=(Relation("books", "book", "books"),))
        register(
            Book,
            name_property="title",
            relations=(Relation("library", "library", "library"), Relation("authors", "author", "authors")),
        )
        register(Author, relations=(Relation("books", "book", "books"),))
