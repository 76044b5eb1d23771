"""The books, made anew from what they were made of, and held against what they are.

``copying`` takes the books out of the database as they were at one instant, ``reposting`` delivers every use, plan
and grant again to the posting rules of an empty database, ``comparing`` names each figure that came out differently.
"""

from noctule.metering.service.replay.comparing import Difference
from noctule.metering.service.replay.replay import Replay

__all__ = ["Difference", "Replay"]
