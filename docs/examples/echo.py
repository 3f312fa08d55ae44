"""A bot that answers texts with the same text: `echo.py HOST:PORT ID APIKEY`, the key being the bot's own."""
import asyncio
import json
import sys
import urllib.request

import websockets

HOST, ME, KEY = sys.argv[1:]


def call(path, ref, body):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Idempotency-Key": ref}
    request = urllib.request.Request(f"http://{HOST}/api/v1{path}", json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))


async def main():
    login = {"token": call(f"/accounts/{ME}/logins", "login", {})["token"], "confirm": True}
    async with websockets.connect(f"ws://{HOST}/") as socket:
        await socket.send(json.dumps({"msgType": 317, "msgBody": login}))
        async for message in (json.loads(text) async for text in socket):
            if message["msgType"] == 6 and message["fromUserId"] != ME:
                user, cid = message["fromUserId"], message["cid"]
                call("/messages", f"echo-{cid}", {"user": user, "text": message["msg"]})
                await socket.send(json.dumps({"msgType": 301, "msgBody": {"peer": {"user": user}, "cid": cid}}))


asyncio.run(main())
