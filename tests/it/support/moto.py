"""An S3 server that is not ours and checks signatures; ends when its standard input ends, which also
happens when the test process is killed. Prints one JSON line when it is ready."""

import json
import os
import sys

# Three requests to set up a user with a key; from then on every request is checked.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import boto3
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

WSGIRequestHandler.log_request = lambda *arguments, **named: None

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"


def client(service, key, secret):
    return boto3.client(
        service, endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1"
    )


iam = client("iam", "setup", "setup")
iam.create_user(UserName="exporter")
key = iam.create_access_key(UserName="exporter")["AccessKey"]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="exporter", PolicyName="all-of-s3", PolicyDocument=json.dumps(policy))
s3 = client("s3", key["AccessKeyId"], key["SecretAccessKey"])

print(json.dumps({"port": port, "access_key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)

# Each line names a bucket to create, or asks which uploads were begun and neither completed nor aborted.
for line in sys.stdin:
    request = json.loads(line)
    if "create_bucket" in request:
        s3.create_bucket(Bucket=request["create_bucket"])
        print("true", flush=True)
    else:
        uploads = s3.list_multipart_uploads(Bucket=request["uploads"]).get("Uploads", [])
        print(json.dumps([upload["Key"] for upload in uploads]), flush=True)
os._exit(0)
