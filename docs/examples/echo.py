"""A bot that answers texts with the same text: `echo.py HOST:PORT ID APIKEY`, the key being the bot's own."""
import asyncio
import json
import sys
from urllib.request import HTTPError, Request, urlopen

import websockets

HOST, ME, KEY = sys.argv[1:]


def call(path, ref, body):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Idempotency-Key": ref}
    return json.load(urlopen(Request(f"http://{HOST}/api/v1{path}", json.dumps(body).encode(), headers)))


async def main():
    login = {"token": call(f"/accounts/{ME}/logins", "login", {})["token"], "confirm": True}
    async with websockets.connect(f"ws://{HOST}/") as socket:
        await socket.send(json.dumps({"msgType": 317, "msgBody": login}))
        async for message in (json.loads(text) async for text in socket):
            if message["msgType"] == 6 and (user := message["fromUserId"]) != ME:
                try:
                    call("/messages", f"echo-{message['cid']}", {"user": user, "text": message["msg"]})
                except HTTPError as refused:
                    if refused.code not in (400, 403, 404, 413):  # for these there is no answer
                        raise
                await socket.send(json.dumps({"msgType": 301, "msgBody": {"peer": {"user": user}, "cid": message["cid"]}}))

asyncio.run(main())
