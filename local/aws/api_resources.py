"""CloudFormation resource types of API Gateway. Methods are deleted with their resources."""

from local.aws.request import Attributes, Request


def put_deployment(request: Request) -> Attributes:
    api = request.properties["RestApiId"]
    deployment = request.cloud.client("apigateway").create_deployment(restApiId=api)["id"]
    return {"Ref": deployment, "DeploymentId": deployment}


def put_stage(request: Request) -> Attributes:
    client, wanted = request.cloud.client("apigateway"), request.properties
    stage = {"restApiId": wanted["RestApiId"], "stageName": wanted["StageName"]}
    if request.previous is not None:
        client.delete_stage(**stage)
    client.create_stage(**stage, deploymentId=wanted["DeploymentId"])
    return {"Ref": wanted["StageName"]}


def put_gateway_response(request: Request) -> Attributes:
    wanted = request.properties
    optional = {
        "statusCode": wanted.get("StatusCode"),
        "responseTemplates": wanted.get("ResponseTemplates"),
        "responseParameters": wanted.get("ResponseParameters"),
    }
    request.cloud.client("apigateway").put_gateway_response(
        restApiId=wanted["RestApiId"],
        responseType=wanted["ResponseType"],
        **{key: value for key, value in optional.items() if value is not None},
    )
    return {"Ref": request.name}


def delete_api(request: Request) -> None:
    request.cloud.client("apigateway").delete_rest_api(restApiId=request.name)


def delete_resource(request: Request) -> None:
    api = request.properties["RestApiId"]
    request.cloud.client("apigateway").delete_resource(restApiId=api, resourceId=request.name)


def delete_deployment(request: Request) -> None:
    api = request.properties["RestApiId"]
    request.cloud.client("apigateway").delete_deployment(restApiId=api, deploymentId=request.name)


def delete_stage(request: Request) -> None:
    api = request.properties["RestApiId"]
    request.cloud.client("apigateway").delete_stage(restApiId=api, stageName=request.name)


def delete_gateway_response(request: Request) -> None:
    wanted = request.properties
    request.cloud.client("apigateway").delete_gateway_response(
        restApiId=wanted["RestApiId"], responseType=wanted["ResponseType"]
    )
