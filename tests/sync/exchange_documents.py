"""The smallest document that can be exchanged, and three officers who share one farm."""

from pycrdt import Doc, Map

from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.exchange import SenderKey, Trust

FARM = "kitui-west"
NOW_S = 1_780_000_000.0
MUTHEU, KIOKO, WANZA, STRANGER = (
    SenderKey.from_seed(name, bytes([number]) * 32) for number, name in enumerate(["Mutheu", "Kioko", "Wanza", "Juma"])
)
TRUST = Trust.of(MUTHEU, KIOKO, WANZA)


class Plain:
    """A map over one pycrdt document."""

    def __init__(self, client_id=None):
        self.doc = Doc(client_id=client_id)
        self.fields = self.doc.get("fields", type=Map)

    def __setitem__(self, key, value):
        self.fields[key] = value

    def values(self):
        return self.fields.to_py()

    def state_vector(self):
        return self.doc.get_state()

    def update_since(self, state_vector):
        return self.doc.get_update(state_vector)

    def apply(self, update):
        try:
            self.doc.apply_update(update)
        except ValueError as error:
            raise SyncError(f"the update cannot be read: {error}") from error
