"""What is done with order files: receive one, read it as a job, forget what is not needed."""

from dispatch.intake.services.importing import (
    forget_files,
    import_rehearsed,
    read_batch,
    receive_file,
    to_draft,
)

__all__ = ["forget_files", "import_rehearsed", "read_batch", "receive_file", "to_draft"]
