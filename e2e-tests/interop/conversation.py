"""Random conversations between the PyPI packages X3DH and DoubleRatchet and the interop program.

    conversation.py PROGRAM MESSAGES SEED

Half of the conversations are begun by either side. Messages are dropped, reordered, repeated and altered on the way; both
sides are stored and read back now and then. The seed decides what happens, not the keys: those are random. Ends with status 0
and one line of JSON with counts, or with the first difference.
"""

import asyncio
import json
import random
import secrets
import subprocess
import sys

import doubleratchet
import doubleratchet.recommended.diffie_hellman_ratchet_curve25519 as curve25519
import x3dh
import xeddsa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from doubleratchet.recommended import HashFunction, kdf_hkdf, kdf_separate_hmacs
from doubleratchet.recommended.crypto_provider_impl import CryptoProviderImpl

LABELS = {"handshake": "Interop X3DH v1", "root": "Interop Root v1", "message": "Interop Message v1"}
# Both sides keep this many keys of overtaken messages.
SKIP = 1000
# How many superseded chains of its peer the program remembers; what is later than that it rightly refuses.
CHAINS = 4
# Messages on the way at once, in one direction: enough for reordering over several turns.
ON_THE_WAY = 12
# Messages of one conversation at most; then a new handshake.
CONVERSATION = 100


class State(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format, pub):
        assert key_format is x3dh.IdentityKeyFormat.CURVE_25519
        return b"\x05" + pub


class RootKdf(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256

    @staticmethod
    def _get_info():
        return LABELS["root"].encode()


class ChainKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256


class Aead(doubleratchet.AEAD):
    @staticmethod
    async def _cipher(key):
        info = LABELS["message"].encode()
        derived = await CryptoProviderImpl.hkdf_derive(HashFunction.SHA_256, 44, bytes(32), info, key)
        return AESGCM(derived[:32]), derived[32:]

    @staticmethod
    async def encrypt(plaintext, key, associated_data):
        cipher, nonce = await Aead._cipher(key)
        return cipher.encrypt(nonce, plaintext, associated_data)

    @staticmethod
    async def decrypt(ciphertext, key, associated_data):
        cipher, nonce = await Aead._cipher(key)
        try:
            return cipher.decrypt(nonce, ciphertext, associated_data)
        except InvalidTag as error:
            raise doubleratchet.AuthenticationFailedException() from error


class Ratchet(doubleratchet.DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data, header):
        return associated_data + header_bytes(header)


# What both ways to begin a ratchet, and reading one back, take alike.
SETTINGS = {
    "diffie_hellman_ratchet_class": curve25519.DiffieHellmanRatchet,
    "root_chain_kdf": RootKdf,
    "message_chain_kdf": ChainKdf,
    "message_chain_constant": b"\x02\x01",
    "dos_protection_threshold": SKIP,
    "max_num_skipped_message_keys": SKIP,
    "aead": Aead,
}
REFUSALS = (
    doubleratchet.AuthenticationFailedException,
    doubleratchet.DoSProtectionException,
    doubleratchet.DuplicateMessageException,
)


def header_bytes(header):
    lengths = (header.previous_sending_chain_length, header.sending_chain_length)
    return header.ratchet_pub + b"".join(length.to_bytes(4, "big") for length in lengths)


class Refused(Exception):
    """The program's answer was an error."""


class Program:
    """The interop program, one request after the other."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, op, **fields):
        self.process.stdin.write(json.dumps({"op": op} | fields) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0, "the program did not end well"


class Ours:
    """A conversation's end in the program."""

    def __init__(self, program, session):
        self.program, self.session = program, session

    async def encrypt(self, plaintext):
        made = self.program.ask("encrypt", session=self.session, plaintext=plaintext.hex())
        return bytes.fromhex(made["header"]), bytes.fromhex(made["ciphertext"])

    async def decrypt(self, message):
        header, ciphertext = message
        answer = self.program.ask("decrypt", session=self.session, header=header.hex(), ciphertext=ciphertext.hex())
        return bytes.fromhex(answer["plaintext"])

    def record(self):
        return self.program.ask("snapshot", session=self.session)["state"]

    def store(self):
        self.program.ask("restore", session=self.session, state=self.record())


class Theirs:
    """A conversation's end in the packages. A responder has no ratchet before the first message."""

    def __init__(self, shared_secret, associated_data, ratchet_key, initiates):
        self.shared_secret, self.associated_data = shared_secret, associated_data
        self.ratchet_key, self.initiates, self.ratchet = ratchet_key, initiates, None

    async def encrypt(self, plaintext):
        if self.ratchet is None:
            assert self.initiates
            self.ratchet, message = await Ratchet.encrypt_initial_message(
                **SETTINGS,
                shared_secret=self.shared_secret,
                recipient_ratchet_pub=self.ratchet_key,
                message=plaintext,
                associated_data=self.associated_data,
            )
        else:
            message = await self.ratchet.encrypt_message(plaintext, self.associated_data)
        return header_bytes(message.header), message.ciphertext

    async def decrypt(self, message):
        header, ciphertext = message
        header = doubleratchet.Header(
            header[:32], int.from_bytes(header[32:36], "big"), int.from_bytes(header[36:], "big")
        )
        message = doubleratchet.EncryptedMessage(header, ciphertext)
        if self.ratchet is not None:
            return await self.ratchet.decrypt_message(message, self.associated_data)
        self.ratchet, plaintext = await Ratchet.decrypt_initial_message(
            **SETTINGS,
            shared_secret=self.shared_secret,
            own_ratchet_priv=self.ratchet_key,
            message=message,
            associated_data=self.associated_data,
        )
        return plaintext

    def record(self):
        return None if self.ratchet is None else self.ratchet.json

    def store(self):
        if self.ratchet is not None:
            self.ratchet = Ratchet.from_json(self.ratchet.json, **SETTINGS)


def new_state():
    return State.create(
        x3dh.IdentityKeyFormat.CURVE_25519, x3dh.HashFunction.SHA_256, LABELS["handshake"].encode()
    )


def agree_on(what, ours, theirs):
    assert bytes.fromhex(ours) == theirs, f"{what} differs: {ours} here, {theirs.hex()} there"


async def we_initiate(program, session, with_one_time):
    state = new_state()
    if with_one_time:
        state.generate_pre_keys(1)
    bundle = state.bundle
    one_time = next(iter(bundle.pre_keys), None)
    identity = secrets.token_bytes(32)
    made = program.ask(
        "initiate",
        session=session,
        identity=identity.hex(),
        ephemeral=None,
        ratchet=None,
        kem_m=None,
        bundle={
            "identity_pub": bundle.identity_key.hex(),
            "signed_prekey_pub": bundle.signed_pre_key.hex(),
            "one_time_pub": one_time and one_time.hex(),
            "kem_pub": None,
        },
    )
    header = x3dh.Header(
        xeddsa.priv_to_curve25519_pub(identity),
        bytes.fromhex(made["ephemeral_pub"]),
        bundle.signed_pre_key,
        one_time,
    )
    secret, data, prekey = await state.get_shared_secret_passive(header, require_pre_key=with_one_time)
    agree_on("the shared secret", made["sk"], secret)
    agree_on("the associated data", made["ad"], data)
    return Ours(program, session), Theirs(secret, data, prekey.priv, initiates=False)


async def they_initiate(program, session, with_one_time):
    identity = secrets.token_bytes(32)
    # A signature by the specification is made with the scalar whose Edwards point is positive; the X25519 key is the same.
    signer = xeddsa.priv_force_sign(identity, False)
    keys = {
        "identity": identity.hex(),
        "signed_prekey": secrets.token_hex(32),
        "one_time": secrets.token_hex(32) if with_one_time else None,
        "kem_seed": None,
    }
    public = program.ask("bundle", **keys)
    signed_prekey = bytes.fromhex(public["signed_prekey_pub"])
    bundle = x3dh.Bundle(
        bytes.fromhex(public["identity_pub"]),
        signed_prekey,
        xeddsa.ed25519_priv_sign(signer, b"\x05" + signed_prekey),
        frozenset([bytes.fromhex(public["one_time_pub"])] if with_one_time else []),
    )
    secret, data, header = await new_state().get_shared_secret_active(bundle, require_pre_key=with_one_time)
    made = program.ask(
        "accept",
        session=session,
        initiator_identity_pub=header.identity_key.hex(),
        ephemeral_pub=header.ephemeral_key.hex(),
        kem_ct=None,
        ratchets=[],
        **keys,
    )
    agree_on("the shared secret", made["sk"], secret)
    agree_on("the associated data", made["ad"], data)
    return Theirs(secret, data, signed_prekey, initiates=True), Ours(program, session)


class Counts(dict):
    def add(self, what):
        self[what] = self.get(what, 0) + 1


class Direction:
    """Messages from one end to the other that are on the way, with the chain each is of."""

    def __init__(self, chance, sender, receiver, counts):
        self.chance, self.sender, self.receiver, self.counts = chance, sender, receiver, counts
        self.on_the_way, self.opened, self.chains = [], [], {}
        self.newest = -1

    async def send(self):
        plaintext = secrets.token_bytes(self.chance.choice([0, 1, 15, 16, 17, 100, 1024]))
        message = await self.sender.encrypt(plaintext)
        chain = self.chains.setdefault(message[0][:32], len(self.chains))
        self.counts.add("sent")
        self.on_the_way.append((chain, message, plaintext))

    async def arrive(self):
        """Delivers any message that is on the way, or loses it. Whether something new was opened."""
        chain, message, plaintext = self.on_the_way.pop(self.chance.randrange(len(self.on_the_way)))
        if self.chance.random() < 0.1 or self.newest - chain > CHAINS:
            self.counts.add("lost")
            return False
        if self.chance.random() < 0.1:
            await self.refused(self.altered(message), "altered")
        assert await self.receiver.decrypt(message) == plaintext, "another plaintext"
        self.counts.add("late" if chain < self.newest else "opened")
        self.newest = max(self.newest, chain)
        self.opened.append(message)
        if self.chance.random() < 0.1:
            await self.refused(self.chance.choice(self.opened), "repeated")
        return True

    async def refused(self, message, what):
        before = self.receiver.record()
        try:
            await self.receiver.decrypt(message)
        except (Refused, *REFUSALS):
            assert self.receiver.record() == before, f"an {what} message changed the state"
            self.counts.add(what)
        else:
            raise AssertionError(f"an {what} message was opened")

    def altered(self, message):
        header, ciphertext = message
        whole = bytearray(header + ciphertext)
        # The lengths in the header may lead to refusals of other kinds; key and ciphertext always to this one.
        whole[self.chance.choice([*range(31), *range(40, len(whole))])] ^= 1 << self.chance.randrange(8)
        return bytes(whole[:40]), bytes(whole[40:])


async def converse(program, chance, number, messages, counts):
    begin = we_initiate if number % 2 == 0 else they_initiate
    initiator, responder = await begin(program, f"conversation {number}", chance.random() < 0.5)
    counts.add("begun by us" if begin is we_initiate else "begun by them")
    there = Direction(chance, initiator, responder, counts)
    back = Direction(chance, responder, initiator, counts)
    answered = False
    for _ in range(messages):
        direction = chance.choice([there, back]) if answered else there
        await direction.send()
        for way in (there, back):
            while way.on_the_way and (len(way.on_the_way) > ON_THE_WAY or chance.random() < 0.45):
                opened = await way.arrive()
                answered = answered or (opened and way is there)
        if chance.random() < 0.05:
            for end in (initiator, responder):
                end.store()
    for way in (there, back):
        while way.on_the_way:
            await way.arrive()


async def main(path, messages, seed):
    chance, counts, program = random.Random(seed), Counts(), Program(path)
    program.ask("configure", profile="oracle", labels=LABELS, kem="none")
    number = 0
    while counts.get("sent", 0) < messages:
        left = messages - counts.get("sent", 0)
        await converse(program, chance, number, min(CONVERSATION, left), counts)
        number += 1
    program.close()
    print(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
