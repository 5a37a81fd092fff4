import asyncio
import sys


async def serve(reader, writer):
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, sys.argv[2], int(sys.argv[1]))
    async with server:
        await server.serve_forever()


asyncio.run(main())
