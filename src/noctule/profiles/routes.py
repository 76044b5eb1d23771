"""The routes of the profiles tag: wire in, service, wire out."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from noctule.kit.paging import Page
from noctule.kit.web import CallerDep, PageParams
from noctule.profiles.service import ProfileService
from noctule.profiles.wire import (
    GetCookiesResponse,
    ProfileCookiesImportRequest,
    ProfileCookiesImportResponse,
    ProfileCreateRequest,
    ProfileDeleteResponse,
    ProfileDuplicateRequest,
    ProfilePage,
    ProfileResponse,
    ProfileStateImportRequest,
    ProfileStateImportResponse,
    checked_name,
)

_NAME = AfterValidator(checked_name)


def router(service: ProfileService) -> APIRouter:
    """The profiles tag over ``service``."""
    routes = APIRouter(tags=["profiles"], prefix="/profiles")

    @routes.get("", operation_id="profile_list", summary="Profile List")
    async def list_(
        caller: CallerDep,
        params: PageParams,
        name: Annotated[str | None, Query(description="Only profiles of exactly this name."), _NAME] = None,
    ) -> ProfilePage:
        """The workspace's profiles, newest first."""
        found = await service.page(
            caller.workspace_id,
            params.query,
            name=name,
            only_active=params.only_active,
            key_id=caller.key_id if params.only_current_token else None,
        )
        items = tuple(ProfileResponse.of(profile) for profile in found.items)
        return ProfilePage.of(Page(items, found.page, found.page_size, found.has_next))

    @routes.post("/create", operation_id="profile_create", summary="Profile Create")
    async def create(caller: CallerDep, body: ProfileCreateRequest) -> ProfileResponse:
        """Make a profile, with nothing in it yet."""
        return ProfileResponse.of(
            await service.create(caller.workspace_id, caller.key_id, body.name, caller.idempotency_key)
        )

    @routes.get("/{profile_id}", operation_id="profile_get", summary="Profile Get")
    async def get(caller: CallerDep, profile_id: str) -> ProfileResponse:
        """One profile."""
        return ProfileResponse.of(await service.get(caller.workspace_id, profile_id))

    @routes.delete("/{profile_id}", operation_id="profile_delete", summary="Profile Delete")
    async def delete(caller: CallerDep, profile_id: str) -> ProfileDeleteResponse:
        """Delete a profile with all that it holds."""
        await service.delete(caller.workspace_id, profile_id)
        return ProfileDeleteResponse(message=f"Deleted profile {profile_id}.")

    @routes.get("/{profile_id}/cookies", operation_id="profile_cookies_get", summary="Profile Cookies Get")
    async def cookies(caller: CallerDep, response: Response, profile_id: str) -> GetCookiesResponse:
        """The cookies that a profile holds."""
        response.headers["cache-control"] = "no-store"
        return GetCookiesResponse.of(await service.cookies(caller.workspace_id, profile_id))

    @routes.post("/{profile_id}/cookies", operation_id="profile_cookies_set", summary="Profile Cookies Set")
    async def set_cookies(
        caller: CallerDep, profile_id: str, body: ProfileCookiesImportRequest
    ) -> ProfileCookiesImportResponse:
        """Put cookies in place of those that a profile holds, or beside them."""
        given = body.to_cookies()
        await service.set_cookies(caller.workspace_id, profile_id, given, body.mode)
        return ProfileCookiesImportResponse(
            success=True, message=f"Imported {len(given)} cookies.", cookies_count=len(given), mode=body.mode
        )

    @routes.post("/{profile_id}/duplicate", operation_id="profile_duplicate", summary="Profile Duplicate")
    async def duplicate(caller: CallerDep, profile_id: str, body: ProfileDuplicateRequest) -> ProfileResponse:
        """Make a profile that holds the same."""
        return ProfileResponse.of(await service.duplicate(caller.workspace_id, caller.key_id, profile_id, body.name))

    @routes.post("/{profile_id}/state", operation_id="profile_state_set", summary="Profile State Set")
    async def set_state(
        caller: CallerDep, profile_id: str, body: ProfileStateImportRequest
    ) -> ProfileStateImportResponse:
        """Put cookies and items of web storage into a profile."""
        given = body.to_import()
        await service.import_state(caller.workspace_id, profile_id, given)
        return ProfileStateImportResponse.of(given)

    return routes
