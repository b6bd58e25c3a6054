"""The jobs a batch knows of, as they are after the commands so far."""

from collections.abc import Iterable
from datetime import datetime

from consentry.domain.messages import Job, JobState


class Outbox:
    """Jobs by message and by recipient."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        """Start from the jobs that were loaded."""
        self._jobs: dict[str, Job] = {}
        self._of_recipient: dict[str, dict[str, None]] = {}
        for job in jobs:
            self.put(job)

    def __bool__(self) -> bool:
        """Tell whether there is any job."""
        return bool(self._jobs)

    def names(self, recipient: str) -> bool:
        """Tell whether there is a job of a recipient."""
        return bool(self._of_recipient.get(recipient))

    def put(self, job: Job) -> None:
        """Keep a job, new or in the place of the one for the same message."""
        self._jobs[job.message] = job
        self._of_recipient.setdefault(job.recipient, {})[job.message] = None

    def finish(self, message: str) -> None:
        """Take a job out; one that is not known here is deleted in the database all the same."""
        job = self._jobs.pop(message, None)
        if job is not None:
            del self._of_recipient[job.recipient][message]

    def find(self, message: str) -> Job | None:
        """Find the job of a message."""
        return self._jobs.get(message)

    def of(self, recipient: str, state: JobState) -> list[Job]:
        """List a recipient's jobs in one state, in the order of their messages."""
        messages = self._of_recipient.get(recipient)
        if not messages:
            return []
        return [job for job in map(self._jobs.__getitem__, sorted(messages)) if job.state is state]

    def due(self, limits: tuple[tuple[str, int], ...], now: datetime) -> list[Job]:
        """List due jobs, most urgent first, of each sender no more than its limit."""
        left = dict(limits)
        found = [
            job
            for job in self._jobs.values()
            if job.state is JobState.QUEUED and job.due_at <= now and job.sender in left
        ]
        chosen = []
        for job in sorted(found, key=_urgency):
            if left[job.sender] > 0:
                left[job.sender] -= 1
                chosen.append(job)
        return chosen


def _urgency(job: Job) -> tuple[int, datetime, str]:
    return job.priority, job.due_at, job.message
