"""A client of an earlier release: made from the descriptors that came with it, and from nothing of today's contract."""

import pathlib

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
# What an answer holds of the moment or the place at which it was given, and not of what was asked.
OF_THE_MOMENT = ("context", "nextPageToken", "token", "resumeToken", "etag")


class Contract:
    """The contract as that release had it."""

    def __init__(self, descriptors: pathlib.Path):
        self.pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file:
            self.pool.Add(file)

    def call(self, channel: grpc.Channel, rpc: str, request: dict) -> dict:
        """Calls `Service/Method`; the answer as that release's clients see it."""
        service, name = rpc.split("/")
        method = self.pool.FindServiceByName(f"steelyard.v1.{service}").methods_by_name[name]
        asked = message_factory.GetMessageClass(method.input_type)
        told = message_factory.GetMessageClass(method.output_type)
        call = channel.unary_unary(
            f"/steelyard.v1.{service}/{name}",
            request_serializer=asked.SerializeToString,
            response_deserializer=told.FromString,
        )
        answer = call(json_format.ParseDict(request, asked(), descriptor_pool=self.pool), timeout=30)
        # A field that is new since is unknown here, and left out.
        return json_format.MessageToDict(answer, descriptor_pool=self.pool)


def lasting(answer):
    """What of an answer is the same whenever it is asked."""
    if isinstance(answer, dict):
        return {name: lasting(value) for name, value in answer.items() if name not in OF_THE_MOMENT}
    if isinstance(answer, list):
        return [lasting(value) for value in answer]
    return answer
