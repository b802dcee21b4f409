"""The one exception for what a user can put right."""


class InputError(ValueError):
    """Something given from outside (a file, a folder, a name, a setting) cannot be used.

    The message is one sentence that names the thing, the rule that it breaks and the way out; the command line
    prints it and exits with code 2. Anything else that is raised is a defect of the program and keeps its traceback.
    """


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, for a sentence of ours, or its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
